"""What the contracts ask for is served, under the names they use; docs/openapi*.json are what the code says."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from majlis import main
from majlis.cli import look
from majlis.surfaces import documents, unbuilt
from majlis.surfaces.compat.door import Door

ROOT = Path(__file__).resolve().parent.parent
# Operations that nobody serves yet. A line leaves as soon as its operation is there.
PENDING: set[str] = set()
# Fields that the contract leaves open and that are not told: a probe tells nobody which version to attack.
WITHHELD = {"GET /health": {"version"}, "GET /health/ready": {"version"}}
# What a contract offers in a rule without naming an operation for it.
BESIDES = {
    "starter": {"POST /api/v1/ws-ticket"},  # D14: a ticket in place of the token in the query
    "x18": {  # R44: messages, polls, devices, the socket; R45: what paid content needs
        "GET /api/conversations",
        "POST /api/conversations",
        "GET /api/conversations/unread-count",
        "GET /api/conversations/{}",
        "GET /api/conversations/{}/messages",
        "POST /api/conversations/{}/messages",
        "PATCH /api/messages/{}/read",
        "DELETE /api/messages/{}",
        "POST /api/posts/{}/vote",
        "DELETE /api/posts/{}/vote",
        "GET /api/devices",
        "PUT /api/devices",
        "DELETE /api/devices",
        "DELETE /api/devices/{}",
        "GET /api/devices/webpush-key",
        "GET /api/notifications/settings",
        "PUT /api/notifications/settings",
        "POST /api/ws-ticket",
        "GET /ws",
        "GET /api/dashboard",
        "POST /api/posts/{}/buy",
        "POST /api/users/{}/subscribe",
        "DELETE /api/users/{}/subscribe",
        "GET /storage/paid/{}",
    },
}
# Fields beside a contract's: in x18, those of paid posts and polls alone, which are not sent with other posts.
SPECIAL = {"price", "currency", "is_locked", "poll"}
EXTRA = {"x18": {"answer": SPECIAL, "body": {"price", "teaser", "preview_media_ids", "poll"}}}
DEPTH = 2  # levels of fields that are compared
Fields = dict[str, Any]


@functools.cache
def contract() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "contracts/hamsaya.yaml").read_text()))


def form(name: str) -> str:
    """`GET /posts/{}`: what parameters are called does not matter."""
    return re.sub(r"\{[^}]*\}", "{}", name)


def asked() -> dict[str, dict[str, Any]]:
    """The contract's operations by method and path."""
    return {form(f"{o['method']} {o['path']}"): o for o in contract()["operations"]}


def served() -> set[str]:
    (native, *_) = main.surfaces()
    routes = [route for api in native.apis for route in api.routes if route.module != unbuilt.__name__]
    method = {"WEBSOCKET": "GET"}  # which is how a socket is opened
    return {form(f"{method.get(r.method, r.method)} {native.mount}{r.path}") for r in routes}


def refused() -> set[str]:
    return {form(f"{method} {path}") for method, path in unbuilt.operations()}


def test_the_documents_are_what_the_code_generates() -> None:
    texts = look.documents()
    wrong = [look.difference(ROOT / "docs" / name, text) for name, text in texts.items()]
    assert not any(wrong), "\n".join(["make openapi", *filter(None, wrong)])
    assert {path.name for path in (ROOT / "docs").glob("openapi*.json")} == set(texts)


@pytest.mark.rule("hamsaya:1", "hamsaya:2")
def test_every_operation_of_the_contract_is_served() -> None:
    assert len(asked()) == contract()["count"]["total"]
    missing = asked().keys() - served()
    assert sorted(missing - PENDING) == []
    assert sorted(PENDING - missing) == [], "these are served, or no operations: take them off the list"


def test_every_operation_of_workspaces_is_served_or_said_to_be_unbuilt() -> None:
    operations = yaml.safe_load((ROOT / "contracts/afrochat.yaml").read_text())["operations"]
    due = {form(f"{o['method']} {o['path'].partition('?')[0]}") for o in operations}
    assert len(due) == 77
    assert sorted(due - served() - refused()) == []
    assert sorted(refused() - due - asked().keys()) == [], "no contract has these"


def test_what_is_said_to_be_unbuilt_is_neither_built_nor_made_up() -> None:
    assert sorted(refused() & served()) == [], "take these lines out of majlis/surfaces/unbuilt.py"
    assert len(refused()) == len(unbuilt.operations())


def fields(shape: Any, depth: int, types: Fields | None = None) -> Fields:
    """A contract's shape as names of fields. In a string, a capitalised word is one of its types."""
    types = contract()["types"] if types is None else types
    if isinstance(shape, list):
        return fields(shape[0], depth, types) if shape else {}
    if isinstance(shape, str):
        named = re.match(r"\[?\s*([A-Z]\w*)", shape)
        known = types.get(named[1]) if named else None
        return fields(known.get("fields", known), depth, types) if known and depth else {}
    if not isinstance(shape, dict):
        return {}
    own = {
        name: fields(part, depth - 1, types)
        for name, part in shape.items()
        if name not in ("extends", "note")
    }
    return {
        **(fields(shape["extends"], depth, types) if "extends" in shape else {}),
        **(own if depth else {}),
    }


def properties(document: dict[str, Any], schema: dict[str, Any], depth: int) -> Fields:
    """The names of fields of a schema; alternatives together, lists seen through."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    found: Fields = {}
    for part in [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())]:
        found |= properties(document, part, depth)
    if depth:
        found |= {
            name: properties(document, p, depth - 1) for name, p in schema.get("properties", {}).items()
        }
    return found


def absent(wanted: Fields, there: Fields, before: str = "") -> Iterator[str]:
    for name, inner in wanted.items():
        if name not in there:
            yield before + name
        else:
            yield from absent(inner, there[name], f"{before}{name}.")


def together(document: dict[str, Any], content: dict[str, Any]) -> Fields:
    """The fields of a body in any of the forms in which it is taken."""
    found: Fields = {}
    for body in content.values():
        found |= properties(document, body["schema"], DEPTH + 1)
    return found


def compared() -> dict[str, dict[str, Any]]:
    """A socket has no bodies; tests/surfaces/realtime look at its messages."""
    return {name: o for name, o in asked().items() if name not in PENDING and name != "GET /ws"}


@pytest.mark.parametrize("name", sorted(compared()))
def test_bodies_have_the_fields_of_the_contract(name: str) -> None:
    wanted = compared()[name]
    document = documents.document(main.surfaces()[0])
    (operation,) = [
        found
        for path, item in document["paths"].items()
        for method, found in item.items()
        if form(f"{method.upper()} {path}") == name
    ]
    body = together(document, operation.get("requestBody", {}).get("content", {}))
    wrong = [f"request {part}" for part in absent(fields(wanted.get("body"), DEPTH), body)]
    returns = wanted["returns"] if isinstance(wanted.get("returns"), dict) else {}
    status = str(returns.get("status", 200))
    assert status in operation["responses"], f"{status} is not among {list(operation['responses'])}"
    answer = together(document, operation["responses"][status].get("content", {}))
    missing = set(absent(fields(returns.get("body"), DEPTH), answer))
    assert wrong == []
    assert missing == WITHHELD.get(name, set())


@pytest.mark.parametrize(
    "wanted, there, missing",
    [
        ({"a": {}}, {"a": {}}, []),
        ({"a": {}}, {}, ["a"]),
        ({"a": {"b": {}}}, {"a": {}}, ["a.b"]),
        ({"a": {"b": {}}}, {"a": {"b": {}, "c": {}}}, []),
    ],
)
def test_the_comparison_can_fail(wanted: Fields, there: Fields, missing: list[str]) -> None:
    assert list(absent(wanted, there)) == missing


def test_the_contract_is_read_in_depth() -> None:
    register = asked()["POST /api/v1/auth/register"]
    found = fields(register["returns"]["body"], DEPTH)
    assert "email" in found["user"] and "access_token" in found
    assert fields(register["body"], DEPTH).keys() >= {"email", "password", "first_name"}


# ---- doors of other contracts


@functools.cache
def doors() -> dict[str, Door]:
    return {surface.name: surface for surface in main.surfaces() if isinstance(surface, Door)}


@functools.cache
def of_door(name: str) -> dict[str, dict[str, Any]]:
    """A door's operations by method and path below its mount."""
    operations = yaml.safe_load((ROOT / f"contracts/{name}.yaml").read_text())["operations"]
    return {form(f"{o['method']} {o['path'].partition('?')[0]}"): o for o in operations}


def below(door: Door, *, built: bool) -> set[str]:
    """What a door serves, or says to be unbuilt."""
    routes = [route for api in door.apis for route in api.routes]
    method = {"WEBSOCKET": "GET"}
    return {
        form(f"{method.get(r.method, r.method)} {r.path}")
        for r in routes
        if (r.module != unbuilt.__name__) == built
    }


@pytest.mark.rule("x18:R1")
@pytest.mark.parametrize("name", doors())
def test_every_operation_of_a_door_is_served_or_said_to_be_unbuilt(name: str) -> None:
    door = doors()[name]
    due, there, waiting = set(of_door(name)), below(door, built=True), below(door, built=False)
    assert sorted(due - there - waiting) == []
    assert sorted(waiting - due) == [], "the contract has none of these"
    listed = [form(" ".join(one)) for one in unbuilt.operations(door.unbuilt)]
    assert sorted(set(listed) & there) == [], "take these lines out of the table of the door"
    assert len(set(listed)) == len(listed)
    own = {form(f"{route.method} {route.path}") for route in documents.api.routes}
    # Where a protocol other than HTTP is spoken, whose events the contract tells of elsewhere.
    own |= {form(f"GET {r.path}") for api in door.apis for r in api.routes if r.method == "WEBSOCKET"}
    own |= {form(f"{r.method} {r.path}") for api in door.apis for r in api.routes if not r.documented}
    assert sorted(there - due - own - BESIDES.get(name, set())) == [], "the contract has none of these either"


def of_doors() -> list[tuple[str, str]]:
    return [
        (name, operation)
        for name, door in doors().items()
        for operation in sorted(set(of_door(name)) & below(door, built=True))
        if not wordy(of_door(name)[operation]["returns"])
    ]


def wordy(returns: dict[str, Any]) -> bool:
    """Whether an answer is a page or a socket: neither has a body that a document could tell."""
    return bool(returns.get("bare")) and isinstance(returns.get("body"), str)


def wrapped(contract: dict[str, Any], returns: dict[str, Any]) -> Fields:
    """The fields of an answer, in the envelope where the contract has one."""
    frames, types = contract["conventions"].get("envelope"), contract["shapes"]
    if not isinstance(frames, dict) or returns.get("bare"):
        return fields(returns.get("body"), DEPTH + 1, types)
    frame = fields(frames["paginated" if returns.get("paged") else "success"], DEPTH)
    return {**frame, "data": fields(returns.get("body"), DEPTH, types)}


@pytest.mark.parametrize("name, operation", of_doors())
def test_bodies_at_a_door_have_exactly_the_fields_of_its_contract(name: str, operation: str) -> None:
    door, wanted = doors()[name], of_door(name)[operation]
    own = yaml.safe_load((ROOT / f"contracts/{name}.yaml").read_text())
    types = own["shapes"]
    document = documents.document(door)
    (served,) = [
        found
        for path, item in document["paths"].items()
        for method, found in item.items()
        if form(f"{method.upper()} {path.removeprefix(door.mount)}") == operation
    ]
    asked_for = wanted.get("body") or {}
    sent = together(document, served.get("requestBody", {}).get("content", {}))
    asked_fields = fields(asked_for.get("multipart", asked_for), DEPTH, types).keys()
    extra = EXTRA.get(name, {"answer": set(), "body": set()})
    assert asked_fields <= sent.keys() <= asked_fields | extra["body"]
    queries = {one["name"] for one in served.get("parameters", ()) if one.get("in") == "query"}
    assert queries == set(wanted.get("query", ()))
    returns = wanted["returns"]
    assert str(returns.get("status", 200)) in served["responses"]
    if isinstance(returns.get("body"), str) and returns["body"] not in types:
        return  # bytes of a file
    answer = together(document, served["responses"][str(returns.get("status", 200))].get("content", {}))
    body = wrapped(own, returns)
    assert set(absent(body, answer)) == set()
    more = {field for field in absent(answer, body) if field.rpartition(".")[2] not in extra["answer"]}
    assert more == set(), "more than the contract says"
