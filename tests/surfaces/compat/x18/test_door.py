"""The x18 door itself: limits, refusals, health, documents."""

import json
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from majlis import main
from majlis.kit.errors import Locked, Refused
from majlis.kit.http import Request
from majlis.settings import BadSettings, Settings
from majlis.surfaces import documents
from majlis.surfaces.compat.door import Door, LimitOffset, flat
from majlis.surfaces.compat.x18 import shapes
from majlis.surfaces.compat.x18.door import X18
from tests.surfaces.compat.x18.people import X18 as MOUNT
from tests.surfaces.compat.x18.people import ask, entered, login, refused
from tests.world import World


@pytest.mark.rule("x18:D15", "x18:R31")
@pytest.mark.settings(rate_limits="on")
def test_signing_in_is_limited_to_10_a_minute_from_an_address(world: World) -> None:
    for number in range(10):
        refused(login(world, username=f"nobody{number}"), 401, "invalid_credentials")
    answer = login(world, username="nobody")
    refused(answer, 429, "rate_limited")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    refused(ask(world, "POST", "/api/auth/refresh", json={"refresh_token": "x"}), 429, "rate_limited")
    assert ask(world, "GET", "/api/users/username/nobody").status_code == 404, "reading is another limit"


@pytest.mark.rule("x18:D15")
@pytest.mark.settings(rate_limits="on")
def test_changes_are_limited_to_60_a_minute_for_each_person(world: World) -> None:
    amina, karim = entered(world, world.person()), entered(world, world.person())
    for _ in range(60):
        assert ask(world, "PATCH", "/api/notifications/read-all", amina).status_code == 200
    answer = ask(world, "PATCH", "/api/notifications/read-all", amina)
    refused(answer, 429, "rate_limited")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert ask(world, "GET", "/api/users/me", amina).status_code == 200
    assert ask(world, "PATCH", "/api/notifications/read-all", karim).status_code == 200


@pytest.mark.settings(rate_limits="on")
def test_made_up_tokens_count_against_the_address(world: World) -> None:
    remaining = []
    for _ in range(2):
        answer = ask(world, "GET", "/api/users/me", headers={"Authorization": "Bearer made.up.token"})
        refused(answer, 401, "unauthorized")
        remaining.append(int(ask(world, "GET", "/api").headers["X-RateLimit-Remaining"]))
    assert remaining[0] - remaining[1] == 2


@pytest.mark.settings(rate_limits="on", rate_limit_exempt="127.0.0.0/8")
def test_exempt_addresses_are_not_counted(world: World) -> None:
    for _ in range(12):
        assert login(world, username="nobody").status_code in (401, 429)
    assert "X-RateLimit-Limit" not in ask(world, "GET", "/api").headers


@pytest.mark.rule("x18:R31", "x18:R32")
@pytest.mark.parametrize(
    "method, path, status, code",
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/users/me/nowhere", 404, "not_found"),
        ("PUT", "/api/users/me", 405, "method_not_allowed"),
        ("GET", "/storage/media/nothing", 404, "not_found"),
    ],
)
def test_every_refusal_has_the_shape_of_the_contract(
    world: World, method: str, path: str, status: int, code: str
) -> None:
    refused(ask(world, method, path), status, code)


@pytest.mark.rule("x18:R31", "x18:R32")
def test_a_fault_of_the_server_is_told_without_detail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(shapes, "private", broken)
    answer = ask(world, "GET", "/api/users/me", entered_without(world))
    refused(answer, 500, "internal")
    assert "secret" not in answer.text


def entered_without(world: World) -> Any:
    """A caller whose token was made beside the door, which is broken."""
    person = world.person()

    class Entered:
        auth: dict[str, str]

    async def token() -> str:
        from majlis.features.sessions import service as sessions
        from majlis.kit.me import Me, Origin
        from majlis.surfaces.compat.x18.audience import AUDIENCE

        async with world.app.db.tx() as tx:
            pair = await sessions.open_session(
                world.app, tx, Me.system, person.id, Origin(), None, audience=AUDIENCE
            )
        return pair.access_token

    found = Entered()
    found.auth = {"Authorization": f"Bearer {world.go(token())}"}
    return found


def test_a_body_that_is_no_json_is_told(world: World) -> None:
    for content, kind in ((b"{", "application/json"), (b"[]", "application/json")):
        answer = ask(world, "POST", "/api/auth/login", content=content, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    answer = ask(world, "POST", "/api/auth/login", content=b"a=b", headers={"Content-Type": "text/plain"})
    refused(answer, 415, "unsupported_media_type")


def test_a_path_that_only_begins_like_the_mount_is_the_native_doors(world: World) -> None:
    assert "error" in world.get("/x18nothing").json() and "code" not in world.get("/x18nothing").json()


@pytest.mark.rule("x18:R1")
def test_health_and_info(world: World) -> None:
    assert ask(world, "GET", "/health").json() == {"status": "ok", "database": "up", "redis": "up"}
    info = ask(world, "GET", "/api").json()
    assert set(info) == {"name", "version", "endpoints"}
    assert info["endpoints"] == 42
    counted = [
        (route.method, route.path)
        for api in X18().apis
        for route in api.routes
        if route.path.startswith("/api/")
        and api.name
        not in {"devices", "live", "messages", "monetization", "polls"}  # which the contract only names
    ]
    assert len(counted) == info["endpoints"]


def test_health_tells_what_is_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(world.app.bus), "healthy", False)
    answer = ask(world, "GET", "/health")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "degraded", "database": "up", "redis": "down"},
    )

    async def gone() -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(world.app.db.pool, "acquire", gone)
    answer = ask(world, "GET", "/health")
    assert (answer.status_code, answer.json()["database"]) == (503, "down")


def test_the_document_is_served_and_valid_with_the_doors_statuses(world: World) -> None:
    document = ask(world, "GET", "/openapi.json").json()
    validate(document)
    assert document == json.loads(json.dumps(documents.document(X18())))
    statuses = {
        status
        for item in document["paths"].values()
        for operation in item.values()
        for status in operation["responses"]
    }
    assert "422" not in statuses and "423" not in statuses and "400" in statuses
    example = document["components"]["responses"]["BadRequest"]["content"]["application/json"]["example"]
    assert example["code"] == "validation_failed" and example["fields"]
    assert all(path.startswith(MOUNT) for path in document["paths"])
    assert ask(world, "GET", "/docs").headers["Content-Type"].startswith("text/html")


def test_the_native_door_keeps_its_own_statuses() -> None:
    native = main.surfaces()[0]
    assert [native.refusal_status(status) for status in (400, 422, 423)] == [400, 422, 423]
    assert native.success_status(204) == 204


def test_statuses_are_mapped_and_kept_where_nothing_is_said() -> None:
    door = X18()
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": []}, None)
    assert [door.refusal_status(status) for status in (400, 404, 422, 423, 501)] == [400, 404, 400, 429, 501]
    assert door.render(Locked(code="account_locked"), request).code == "rate_limited"
    assert door.render(Refused("x", code="made_up", status=418), request).code == "made_up"


def test_pages_end_at_the_ceiling() -> None:
    from majlis.kit.page import Page

    more = Page([1], "cursor")
    assert LimitOffset(limit=20, offset=9980).more(more)
    assert not LimitOffset(limit=20, offset=9981).more(more)
    assert not LimitOffset().more(Page([1], None))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"offset": 10_001}, LimitOffset)
    assert flat([]) is None


@pytest.mark.settings(rate_limits="on", limits="x18-writes=2/60,x18-auth=2/60")
def test_its_limits_can_be_set(world: World) -> None:
    amina = entered(world, world.person())
    answers = [ask(world, "PATCH", "/api/notifications/read-all", amina) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    answers = [login(world, username="nobody") for _ in range(2)]  # behind that of hers
    assert [answer.status_code for answer in answers] == [401, 429]
    assert ask(world, "GET", "/api/users/me", amina).headers["X-RateLimit-Limit"] == "600"


def test_every_limit_of_a_door_can_be_set_and_no_other() -> None:
    doors = [door for door in main.surfaces() if isinstance(door, Door)]
    names = [name for door in doors for name in door.limits()]
    assert len(names) == len(set(names)) >= 14
    good = Settings(limits=",".join(f"{name}=1/60" for name in [*names, "auth"]))
    main.check_limits(good, doors)
    for name in ("x18-auht", "nobody-auth"):
        with pytest.raises(BadSettings, match=name):
            main.check_limits(Settings(limits=f"{name}=1/60"), doors)
