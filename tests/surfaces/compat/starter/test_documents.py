"""Documents and rooms at the starter door."""

import uuid
from typing import Any

import pytest

from tests.surfaces.compat.starter.callers import ask, data, refused, somebody
from tests.world import Person, World

DOCUMENT = {"id", "title", "content", "ownerId", "collaborators", "version", "createdAt", "updatedAt"}


def make(world: World, who: Person, *others: Person, **fields: Any) -> Any:
    body = {"title": "Guests", "collaborators": [str(one.id) for one in others], **fields}
    return data(ask(world, "POST", "/documents", who, body), 201)


@pytest.mark.rule("starter:D12")
def test_owner_and_collaborators_read_and_update(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)
    made = make(world, amina, bilal, content={"bread": 1})
    assert set(made) == DOCUMENT
    assert (made["ownerId"], made["collaborators"], made["version"]) == (str(amina.id), [str(bilal.id)], 1)
    path = f"/documents/{made['id']}"
    for who in (amina, bilal):
        assert data(ask(world, "GET", path, who)) == made
    changed = data(ask(world, "PATCH", path, bilal, {"changes": {"bread": None, "milk": {"fat": 2}}}))
    assert (changed["content"], changed["version"]) == ({"milk": {"fat": 2}}, 2)
    refused(ask(world, "GET", path, dara), 404, "not_found")
    refused(ask(world, "PATCH", path, dara, {"changes": {}}), 404, "not_found")


@pytest.mark.rule("starter:D12")
@pytest.mark.rule("starter:R33")
def test_versions(world: World) -> None:
    amina = somebody(world)
    path = f"/documents/{make(world, amina)['id']}"
    assert data(ask(world, "PATCH", path, amina, {"changes": {"a": 1}, "version": 1}))["version"] == 2
    refused(ask(world, "PATCH", path, amina, {"changes": {"a": 2}, "version": 1}), 409, "conflict")
    assert data(ask(world, "GET", path, amina))["content"] == {"a": 1}


@pytest.mark.rule("starter:D12")
def test_only_the_owner_changes_collaborators(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)
    people = f"/documents/{make(world, amina, bilal)['id']}/collaborators"
    refused(ask(world, "POST", people, bilal, {"userId": str(dara.id)}), 403, "forbidden")
    added = data(ask(world, "POST", people, amina, {"userId": str(dara.id)}))
    assert added["collaborators"] == [str(bilal.id), str(dara.id)]
    refused(ask(world, "DELETE", f"{people}/{dara.id}", bilal), 403, "forbidden")
    refused(ask(world, "POST", people, amina, {"userId": str(uuid.uuid4())}), 404, "not_found")
    left = data(ask(world, "DELETE", f"{people}/{bilal.id}", amina))
    assert left["collaborators"] == [str(dara.id)]


def test_what_is_no_document(world: World) -> None:
    amina = somebody(world)
    for body, field in (({}, "title"), ({"title": ""}, "title"), ({"title": " "}, "title"),
                        ({"title": "x", "ownerId": str(amina.id)}, "ownerId"),
                        ({"title": "x", "collaborators": ["y"]}, "collaborators[0]")):  # fmt: skip
        refused(ask(world, "POST", "/documents", amina, body), 400, "bad_request", field)
    path = f"/documents/{make(world, amina)['id']}"
    refused(ask(world, "PATCH", path, amina, {}), 400, "bad_request", "changes")
    refused(ask(world, "PATCH", path, amina, {"changes": {}, "version": 0}), 400, "bad_request", "version")
    refused(ask(world, "POST", f"{path}/collaborators", amina, {}), 400, "bad_request", "userId")


@pytest.mark.rule("starter:R36")
def test_rooms(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)
    joined = data(ask(world, "POST", "/rooms/kitchen/join", amina))
    assert joined == {"roomId": "kitchen", "users": [str(amina.id)]}
    data(ask(world, "POST", "/rooms/kitchen/join", bilal))
    both = [str(amina.id), str(bilal.id)]
    assert data(ask(world, "GET", "/rooms/kitchen/users", amina))["users"] == both
    left = ask(world, "POST", "/rooms/kitchen/leave", amina)
    assert left.json() == {"success": True, "message": "Room left successfully", "data": None}
    assert data(ask(world, "GET", "/rooms/kitchen/users", amina))["users"] == both[1:]
    for path in ("/rooms/a%20b/join", "/rooms/a%20b/leave"):
        refused(ask(world, "POST", path, amina), 400, "bad_request", "roomId")
    refused(ask(world, "GET", "/rooms/a%20b/users", amina), 400, "bad_request", "roomId")
