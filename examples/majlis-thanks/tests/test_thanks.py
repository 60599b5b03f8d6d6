"""The package in a server: its routes, door, job, socket, copies and documents. See README.md for how to run this."""

import io
import json
import zipfile
from typing import Any

import pytest
from majlis_thanks.thanks import store

from majlis import main
from majlis.kit import facts, jobs
from majlis.kit.db import Query
from majlis.surfaces import documents
from tests.surfaces.realtime.wires import signed_in
from tests.world import PASSWORD, Person, World

MINE = "/api/v1/thanks"
# What each kind of caller gets: nobody, somebody, the one who is asked about, one whom they block.
ACCESS = {
    f"GET {MINE}": (401, 200, 200, 200),
    "POST /api/v1/users/{user_id}/thanks": (401, 201, 400, 404),
    "GET /thanks/cards": (401, 200, 200, 200),
}


def thank(world: World, who: Person, whom: Person, words: str = "For the bread") -> dict[str, Any]:
    answer = world.post(f"/api/v1/users/{whom.id}/thanks", who, {"words": words})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_thanks_are_read_by_who_was_thanked(world: World) -> None:
    amina, bashir = world.person("Amina"), world.person("Bashir")
    made = [thank(world, amina, bashir, f"Number {number}")["id"] for number in range(3)]
    first = world.get(f"{MINE}?limit=2", bashir).json()
    second = world.get(f"{MINE}?limit=2&cursor={first['next_cursor']}", bashir).json()
    assert [one["id"] for one in first["data"] + second["data"]] == made[::-1]
    assert world.get(MINE, amina).json()["data"] == []


def test_who_was_thanked_hears_of_it_at_once_and_once(world: World) -> None:
    amina, bashir = world.person("Amina"), world.person("Bashir")

    async def listen() -> Any:
        async with signed_in(world, bashir) as wire:
            said = {"words": "For the bread"}
            await world.http.post(f"/api/v1/users/{bashir.id}/thanks", headers=amina.auth, json=said)
            await jobs.drain(world.app, world.app.db, facts.registry)
            return await wire.until(lambda frame: frame.get("type") == "notification")

    heard = world.go(listen())
    assert heard["data"]["notification"]["message"] == "For the bread"
    world.drain()
    (told,) = world.get("/api/v1/notifications?type=SYSTEM", bashir).json()["data"]
    assert told["message"] == "For the bread"


@pytest.mark.parametrize("name", ACCESS)
def test_each_caller_gets_what_the_table_says(world: World, name: str) -> None:
    owner, other, blocked = (world.person(name) for name in ("Owner", "Other", "Blocked"))
    assert world.post(f"/api/v1/users/{blocked.id}/block", owner).status_code == 200
    method, path = name.replace("{user_id}", str(owner.id)).split()
    body = {"json": {"words": "For the bread"}} if method == "POST" else {}
    got = [world.request(method, path, who, **body).status_code for who in (None, other, owner, blocked)]
    assert tuple(got) == ACCESS[name]


def test_every_route_stands_in_the_table() -> None:
    routes = {
        f"{route.method} {surface.mount}{route.path}"
        for surface in main.surfaces()
        for api in surface.apis
        for route in api.routes
        if route.module.startswith("majlis_thanks.")
    }
    assert routes == ACCESS.keys()


def test_the_door_has_shapes_of_its_own(world: World) -> None:
    amina, bashir = world.person("Amina"), world.person("Bashir")
    thank(world, amina, bashir)
    (card,) = world.get("/thanks/cards", bashir).json()["cards"]
    assert card["thankedFor"] == "For the bread"
    assert world.get("/thanks/cards").json() == {"problem": "unauthenticated"}
    assert world.get("/thanks/openapi.json").json()["paths"].keys() == {
        "/thanks/cards",
        "/thanks/openapi.json",
    }


def test_its_routes_are_in_the_native_document() -> None:
    paths = documents.document(main.surfaces()[0])["paths"]
    assert MINE in paths and "/api/v1/users/{user_id}/thanks" in paths


def test_copies_of_peoples_data_hold_it(world: World) -> None:
    amina, bashir = world.person("Amina"), world.person("Bashir")
    thank(world, amina, bashir)
    assert world.post("/api/v1/users/me/export", bashir).status_code == 202
    world.drain()
    url = world.get("/api/v1/users/me/export", bashir).json()["url"]
    archive = zipfile.ZipFile(io.BytesIO(world.get(url).content))
    (row,) = json.loads(archive.read("thanks.json"))
    assert row["words"] == "For the bread"


def test_nothing_stays_behind_a_deleted_account(world: World) -> None:
    amina, bashir = world.person("Amina"), world.person("Bashir")
    thank(world, amina, bashir)
    thank(world, bashir, amina)
    gone = {"reason": "moving away", "password": PASSWORD}
    left = world.request("DELETE", "/api/v1/users/me/account", amina, json=gone)
    assert left.status_code == 204, left.text
    world.drain()
    assert world.sql("SELECT id FROM thanks") == []


def test_every_statement_can_be_prepared(world: World) -> None:
    statements = [value.sql for value in vars(store).values() if isinstance(value, Query)]
    statements += [store.FORGET, *store.COPIED.values()]

    async def prepare() -> None:
        async with world.app.db.tx() as tx:
            for at, sql in enumerate(statements):
                await tx.run(f"PREPARE thanks_{at} AS {sql}")

    world.go(prepare())
    assert len(statements) == 5
