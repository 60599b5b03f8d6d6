"""Reports are stored, once per reporter and target while they are open."""

import asyncio
import re
from collections import Counter
from uuid import uuid4

import pytest

from majlis.features.moderation import store
from majlis.kit.db import Query
from tests.features.posts.writing import write
from tests.world import Person, World

REPORT = {"id", "user_id", "reason", "additional_comments", "report_status", "created_at", "updated_at"}


def comment(world: World, who: Person, post: str, parent: str | None = None) -> str:
    """A comment on a post; its id."""
    path = f"/api/v1/comments/{parent}/replies" if parent else f"/api/v1/posts/{post}/comments"
    answer = world.post(path, who, {"text": "Good bread"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


class Target:
    """Something to report: whose it is and where."""

    def __init__(self, world: World, kind: str) -> None:
        self.kind = kind
        self.owner = world.person()
        if kind == "user":
            self.id, self.path = str(self.owner.id), f"/api/v1/users/{self.owner.id}/report"
        elif kind == "post":
            self.id = write(world, self.owner)["id"]
            self.path = f"/api/v1/posts/{self.id}/report"
        else:
            self.id = comment(world, self.owner, write(world, world.person())["id"])
            self.path = f"/api/v1/comments/{self.id}/report"
        self.words = "description" if kind == "user" else "additional_comments"
        self.table = f"{kind}_reports"
        self.close = "resolved = true" if kind == "user" else "report_status = 'RESOLVED'"


@pytest.fixture(params=["user", "post", "comment"])
def target(world: World, request: pytest.FixtureRequest) -> Target:
    return Target(world, request.param)


@pytest.mark.rule("hamsaya:98")
def test_a_person_is_reported(world: World) -> None:
    amina, karim = world.person(), world.person()
    answer = world.post(
        f"/api/v1/users/{karim.id}/report", amina, {"reason": " Spam ", "description": "Every hour"}
    )
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {
        "id",
        "reported_user",
        "reported_by_id",
        "reason",
        "description",
        "resolved",
        "created_at",
        "updated_at",
    }
    assert (body["reported_user"], body["reported_by_id"]) == (str(karim.id), str(amina.id))
    assert (body["reason"], body["description"], body["resolved"]) == ("Spam", "Every hour", False)


@pytest.mark.rule("hamsaya:95")
def test_a_post_is_reported(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, karim)
    answer = world.post(f"/api/v1/posts/{post['id']}/report", amina, {"reason": "Fraud"})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == REPORT | {"post_id"}
    assert (body["post_id"], body["user_id"]) == (post["id"], str(amina.id))
    assert (body["reason"], body["additional_comments"], body["report_status"]) == ("Fraud", None, "PENDING")


@pytest.mark.rule("hamsaya:96")
def test_a_comment_is_reported(world: World) -> None:
    amina, karim = world.person(), world.person()
    said = comment(world, karim, write(world, world.person())["id"])
    answer = world.post(
        f"/api/v1/comments/{said}/report", amina, {"reason": "Rude", "additional_comments": "Again"}
    )
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == REPORT | {"comment_id"}
    assert (body["comment_id"], body["user_id"]) == (said, str(amina.id))
    assert (body["reason"], body["additional_comments"], body["report_status"]) == (
        "Rude",
        "Again",
        "PENDING",
    )


def test_what_marks_the_place_of_a_deleted_comment_is_not_found(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, world.person())["id"]
    said = comment(world, karim, post)
    comment(world, amina, post, said)
    assert world.delete(f"/api/v1/comments/{said}", karim).status_code == 204
    assert world.get(f"/api/v1/comments/{said}", amina).json()["deleted"] is True
    for who in (amina, karim):
        assert world.post(f"/api/v1/comments/{said}/report", who, {"reason": "Rude"}).status_code == 404


@pytest.mark.rule("hamsaya:97")
def test_reports_of_businesses_have_the_same_shape_as_those_of_posts(world: World) -> None:
    def shape(table: str) -> list[dict[str, object]]:
        return world.sql(
            "SELECT replace(column_name, $2, 'target') AS name, data_type, is_nullable, column_default"
            " FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position",
            f"{table}_reports",
            f"{table}_id",
        )

    assert shape("business") == shape("post") == shape("comment")
    assert len(shape("post")) == 8


@pytest.mark.rule("hamsaya:99")
def test_a_second_open_report_is_answered_with_the_first(world: World, target: Target) -> None:
    amina, karim = world.person(), world.person()
    first = world.post(target.path, amina, {"reason": "Spam", target.words: "one"})
    again = world.post(target.path, amina, {"reason": "Fraud", target.words: "two"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    other = world.post(target.path, karim, {"reason": "Spam"})
    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]


@pytest.mark.rule("hamsaya:99")
def test_once_closed_it_can_be_reported_again(world: World, target: Target) -> None:
    amina = world.person()
    first = world.post(target.path, amina, {"reason": "Spam"}).json()
    if target.kind != "user":
        world.sql(f"UPDATE {target.table} SET report_status = 'REVIEWED' RETURNING 1")
        assert world.post(target.path, amina, {"reason": "Spam"}).status_code == 200
    world.sql(f"UPDATE {target.table} SET {target.close} RETURNING 1")
    answer = world.post(target.path, amina, {"reason": "Spam"})
    assert answer.status_code == 201
    assert answer.json()["id"] != first["id"]


@pytest.mark.rule("hamsaya:99")
def test_nobody_reports_themselves_or_their_own(world: World, target: Target) -> None:
    answer = world.post(target.path, target.owner, {"reason": "Spam"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "own_content")
    assert world.sql(f"SELECT 1 FROM {target.table}") == []


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "reason"),
        ({"reason": None}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": " \n "}, "reason"),
        ({"reason": "x" * 101}, "reason"),
        ({"reason": ["Spam"]}, "reason"),
        ({"reason": "a\u0000b"}, "reason"),
        ({"reason": "Spam", "WORDS": "x" * 10_001}, "WORDS"),
        ({"reason": "Spam", "WORDS": 7}, "WORDS"),
        ({"reason": "Spam", "id": "7"}, "id"),
        ({"reason": "Spam", "STATE": "x"}, "STATE"),
    ],
)
def test_a_bad_report_names_the_field(
    world: World, target: Target, body: dict[str, object], field: str
) -> None:
    names = {"WORDS": target.words, "STATE": "resolved" if target.kind == "user" else "report_status"}
    sent = {names.get(name, name): value for name, value in body.items()}
    answer = world.post(target.path, world.person(), sent)
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [names.get(field, field)]
    assert world.sql(f"SELECT 1 FROM {target.table}") == []


def test_a_reason_of_a_hundred_letters_of_any_script_fits(world: World, target: Target) -> None:
    answer = world.post(target.path, world.person(), {"reason": "ښ" * 100})
    assert (answer.status_code, answer.json()["reason"]) == (201, "ښ" * 100)


def test_what_cannot_be_seen_is_not_found(world: World, target: Target) -> None:
    amina, gone = world.person(), str(uuid4())
    for path in (target.path.replace(target.id, gone), target.path.replace(target.id, "nobody")):
        assert world.post(path, amina, {"reason": "Spam"}).status_code == 404
    assert world.post(target.path, None, {"reason": "Spam"}).status_code == 401
    world.post(f"/api/v1/users/{amina.id}/block", target.owner)
    assert world.post(target.path, amina, {"reason": "Spam"}).status_code == 404
    world.delete(f"/api/v1/users/{amina.id}/block", target.owner)
    assert world.post(target.path, amina, {"reason": "Spam"}).status_code == 201
    world.delete("/api/v1/users/me/account?reason=bye", target.owner)
    assert world.post(target.path, world.person(), {"reason": "Spam"}).status_code == 404


def test_whoever_blocks_somebody_can_still_report_them(world: World) -> None:
    amina, karim = world.person(), world.person()
    world.post(f"/api/v1/users/{karim.id}/block", amina)
    assert world.post(f"/api/v1/users/{karim.id}/report", amina, {"reason": "Threats"}).status_code == 201


# ---- the same report many times at once


def _report_at_once(world: World) -> tuple[Counter[int], int, int]:
    amina, karim = world.person(), world.person()

    async def send(who: Person, whom: Person) -> tuple[int, str]:
        path = f"/api/v1/users/{whom.id}/report"
        answer = await world.http.post(path, headers=who.auth, json={"reason": "Spam"})
        return answer.status_code, answer.json()["id"]

    async def run() -> list[tuple[int, str]]:
        return await asyncio.gather(*(send(amina, karim) for _ in range(10)))

    answers = world.go(run())
    stored = world.sql("SELECT count(*) AS n FROM user_reports")[0]["n"]
    return Counter(status for status, _ in answers), len({id for _, id in answers}), stored


@pytest.mark.rule("hamsaya:99")
def test_reports_at_the_same_moment_are_one(clone: World) -> None:
    assert _report_at_once(clone) == ({201: 1, 200: 9}, 1, 1)


def test_control_without_the_guard_they_are_many(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clone.sql("DROP INDEX user_reports_open")
    unguarded = re.sub(r"ON CONFLICT .*(?=RETURNING)", "", store.REPORT_USER.sql, flags=re.DOTALL)
    monkeypatch.setattr(store, "REPORT_USER", Query(store.UserReport, unguarded))
    _, different, stored = _report_at_once(clone)
    assert (different, stored) == (10, 10)
