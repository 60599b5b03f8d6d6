"""Idempotency-Key: what is repeated is answered like the first time, and done once."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from majlis.app import App
from majlis.kit import clock, http
from majlis.kit.db import Query
from majlis.kit.errors import Conflict
from majlis.kit.http import Upload, access
from majlis.kit.me import Me
from tests.kit.doors import serve
from tests.waiting import until_waiting
from tests.world import World

TABLE = "CREATE TABLE done (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, words text)"
ADD = Query(int, "INSERT INTO done (words) VALUES ($1) RETURNING id")
api = http.Api("work")
tried: list[str] = []
slowly = asyncio.Semaphore(0)  # whoever works slowly waits for it


class Work(msgspec.Struct):
    """What to write down, and how that is to end."""

    words: str
    end: str = "well"


@api.post("/work", policy=access.user, status=201)
async def work(app: App, me: Me, body: Work) -> http.Answer:
    tried.append(body.words)
    async with app.db.tx() as tx:
        number = await tx.one(ADD, body.words)
        if body.end.startswith("slowly"):
            await slowly.acquire()
        if body.end.endswith("refused"):
            raise Conflict()
        if body.end == "broken":
            raise RuntimeError
    return http.Answer({"number": number}, 201, {"Location": f"/work/{number}"})


@api.post("/elsewhere", policy=access.user)
async def elsewhere(app: App, me: Me, body: Work) -> None:
    return None


@api.post("/anyone", policy=access.optional, idempotent=True)
async def anyone(app: App, me: Me, body: Work) -> None:
    async with app.db.tx() as tx:
        await tx.one(ADD, body.words)


@api.post("/form", policy=access.user, max_files=2)
async def form(app: App, me: Me, body: Work, files: list[Upload]) -> None:
    async with app.db.tx() as tx:
        await tx.one(ADD, body.words)


class Desk:
    """Requests with and without keys."""

    def __init__(self, world: World) -> None:
        world.sql(TABLE)
        self.world = world
        transport = httpx.ASGITransport(app=serve(api, app=world.app))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://toy")

    def send(
        self, path: str, key: str | None = None, token: str | None = "good", **options: Any
    ) -> Coroutine[Any, Any, httpx.Response]:
        """A request, not yet awaited."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self.http.post(path, headers={**headers, **options.pop("headers", {})}, **options)

    def work(self, words: str, key: str | None = None, end: str = "well", **options: Any) -> httpx.Response:
        return self.world.go(self.send("/work", key, json={"words": words, "end": end}, **options))

    def done(self) -> list[str]:
        return [row["words"] for row in self.world.sql("SELECT words FROM done ORDER BY id")]


@pytest.fixture
def desk(world: World) -> Desk:
    tried.clear()
    return Desk(world)


def test_a_repeated_request_is_answered_alike_and_done_once(desk: Desk) -> None:
    first, again = desk.work("a", "key"), desk.work("a", "key")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json() == {"number": 1}
    assert first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert desk.done() == ["a"]


def test_without_a_key_it_is_done_twice(desk: Desk) -> None:
    desk.work("a"), desk.work("a")
    assert desk.done() == ["a", "a"]


def test_another_request_with_the_key_is_refused(desk: Desk) -> None:
    desk.work("a", "key")
    for answer in (
        desk.work("b", "key"),
        desk.world.go(desk.send("/elsewhere", "key", json={"words": "a", "end": "well"})),
    ):
        assert answer.status_code == 422
        assert answer.json()["fields"] == {"Idempotency-Key": "key_reused"}
    assert desk.done() == ["a"]


def test_keys_are_of_one_caller_each(desk: Desk) -> None:
    desk.work("a", "key")
    assert desk.work("b", "key", token="other").status_code == 201
    assert desk.done() == ["a", "b"]


def test_keys_have_1_to_64_printable_characters(desk: Desk) -> None:
    assert desk.work("a", "k" * 64).status_code == 201
    for key in ("", "k" * 65, "a\tb"):
        assert desk.work("b", key).status_code == 422
    assert desk.done() == ["a"]


@pytest.mark.parametrize("end, status", [("refused", 409), ("broken", 500)])
def test_failures_are_not_kept(desk: Desk, end: str, status: int) -> None:
    assert desk.work("a", "key", end).status_code == status
    assert desk.work("a", "key", end).status_code == status
    assert tried == ["a", "a"], "the second try is made in earnest"
    assert desk.done() == [], "nothing of a failed try stays"
    assert desk.work("a", "key").status_code == 201, "the key is still free"
    assert desk.done() == ["a"]


def test_input_that_is_refused_does_not_use_the_key_up(desk: Desk) -> None:
    assert desk.world.go(desk.send("/work", "key", json={})).status_code == 422
    assert desk.work("a", "key").status_code == 201


def test_a_key_is_free_again_after_a_day(desk: Desk) -> None:
    desk.work("a", "key")
    with clock.shifted(timedelta(hours=23, minutes=59)):
        assert desk.work("a", "key").json() == {"number": 1}
    with clock.shifted(timedelta(hours=24, seconds=1)):
        assert desk.work("b", "key").json() == {"number": 2}
    assert desk.done() == ["a", "b"]


def test_nobodys_keys_are_not_looked_at(desk: Desk) -> None:
    for _ in range(2):
        assert desk.world.go(desk.send("/anyone", "key", token=None, json={"words": "a"})).status_code == 204
    assert desk.done() == ["a", "a"]
    for _ in range(2):
        assert desk.world.go(desk.send("/anyone", "key", json={"words": "b"})).status_code == 204
    assert desk.done() == ["a", "a", "b"]


def test_a_form_is_the_same_whatever_its_boundary(desk: Desk) -> None:
    def post(boundary: str, content: bytes, name: str = "a.jpg") -> httpx.Response:
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        files = {"file": (name, content)}
        return desk.world.go(desk.send("/form", "key", data={"words": "a"}, files=files, headers=kind))

    first, again = post("one", b"picture"), post("two", b"picture")
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["idempotency-replayed"] == "true"
    assert post("three", b"another picture").status_code == 422
    assert post("four", b"picture", "b.jpg").status_code == 422
    assert desk.done() == ["a"]


@pytest.mark.parametrize("key, times", [("key", 1), (None, 5)])
def test_at_once_it_is_done_once(clone: World, key: str | None, times: int) -> None:
    """The row without a key is the control: the same five requests then work five times."""
    tried.clear()
    desk = Desk(clone)

    async def together() -> list[httpx.Response]:
        body = {"words": "a", "end": "slowly"}
        asked = [asyncio.ensure_future(desk.send("/work", key, json=body)) for _ in range(5)]
        await until_waiting(clone, 5 - times, *asked)
        while len(tried) < times:  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)
        for _ in range(times):
            slowly.release()
        return await asyncio.gather(*asked)

    answers = clone.go(together())
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.json()["number"] for answer in answers}) == times
    assert desk.done() == ["a"] * times


def test_whoever_waits_for_a_failure_tries_in_turn(clone: World) -> None:
    tried.clear()
    desk = Desk(clone)

    async def together() -> tuple[httpx.Response, httpx.Response]:
        first = asyncio.ensure_future(desk.send("/work", "key", json={"words": "a", "end": "slowly refused"}))
        while not tried:  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)
        second = asyncio.ensure_future(desk.send("/work", "key", json={"words": "b"}))
        await until_waiting(clone, 1, first, second)
        slowly.release()
        return await asyncio.gather(first, second)

    assert [answer.status_code for answer in clone.go(together())] == [409, 201]
    assert desk.done() == ["b"]
