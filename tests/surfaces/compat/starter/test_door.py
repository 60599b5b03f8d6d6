"""The starter door itself: envelope, refusals, limits, health, documents."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from majlis import main
from majlis.kit import limits, migrations
from majlis.kit.errors import FieldFault
from majlis.kit.limits import Limiter
from majlis.surfaces import documents
from majlis.surfaces.compat.starter import shapes
from majlis.surfaces.compat.starter.door import Starter, details
from tests.surfaces.compat.starter.callers import ask, data, refused, somebody
from tests.world import World, settings_for

ARTICLE = {"title": "Bread at six", "content": "The oven is hot from four."}


@pytest.mark.rule("starter:R50", "starter:R26")
def test_a_success_is_in_an_envelope_and_a_refusal_in_another(world: World) -> None:
    amina = somebody(world, "Amina")
    answer = ask(world, "POST", "/posts", amina, ARTICLE)
    assert answer.status_code == 201
    assert answer.json()["success"] is True and answer.json()["data"]["title"] == "Bread at six"
    assert answer.json()["message"] == "Post created successfully"
    refused(ask(world, "GET", "/nowhere"), 404, "not_found")
    refused(ask(world, "POST", "/posts", None, ARTICLE), 401, "unauthorized")
    refused(ask(world, "PATCH", "/posts", amina, ARTICLE), 405, "method_not_allowed")
    refused(ask(world, "POST", "/posts", amina, {"title": 5}), 400, "bad_request", "title", "content")
    broken = world.request(
        "POST", "/starter/api/v1/posts", amina, content=b"{", headers={"Content-Type": "application/json"}
    )
    refused(broken, 400, "bad_request")


@pytest.mark.rule("starter:R26")
def test_a_fault_of_the_server_is_told_without_detail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina = somebody(world, "Amina")

    async def broken(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(shapes, "account", broken)
    answer = ask(world, "GET", "/auth/profile", amina)
    refused(answer, 500, "internal")
    assert "secret" not in answer.text


@pytest.mark.rule("starter:R31")
@pytest.mark.settings(rate_limits="on")
def test_an_address_may_ask_100_times_a_second_in_bursts_of_200(world: World) -> None:
    every = Starter.all
    assert (every.amount, every.amount / every.seconds) == (200, 100)
    amina = somebody(world, "Amina")
    world.app.limiter = Limiter(None, enabled=True, clock=lambda: 0.0)  # at a moment that does not pass
    assert ask(world, "GET", "/auth/profile", amina).status_code == 200

    async def burst() -> None:
        for _ in range(every.amount):
            await world.app.limiter.hit(every, f"starter:{limits.ip_key('127.0.0.1')}")

    world.go(burst())
    for who in (None, amina):
        answer = ask(world, "GET", "/posts", who)
        refused(answer, 429, "too_many_requests")
        assert answer.headers["Retry-After"]
    assert world.get("/starter/health").status_code == 200, "only what lies below /api is counted there"


@pytest.mark.rule("starter:R30")
@pytest.mark.settings(rate_limits="on")
def test_a_person_may_write_ten_articles_a_minute(world: World) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    for _ in range(10):
        data(ask(world, "POST", "/posts", amina, ARTICLE), 201)
    answer = ask(world, "POST", "/posts", amina, ARTICLE)
    refused(answer, 429, "too_many_requests")
    assert answer.json()["message"] == "Rate limit exceeded"
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    data(ask(world, "POST", "/posts", karim, ARTICLE), 201)
    data(ask(world, "GET", "/auth/profile", amina))


@pytest.mark.settings(rate_limits="on")
def test_signing_in_is_limited_for_an_address(world: World) -> None:
    for number in range(10):
        body = {"email": f"nobody{number}@example.org", "password": "wrong"}
        refused(ask(world, "POST", "/auth/login", json=body), 401, "invalid_credentials")
    refused(ask(world, "POST", "/auth/login", json=body), 429, "too_many_requests")


@pytest.mark.rule("starter:R39")
def test_health_and_readiness_are_bare(world: World) -> None:
    found = world.get("/starter/health").json()
    assert found["status"] == "healthy" and found["version"] == "1.0.0" and found["uptimeSeconds"] >= 0
    assert found["database"]["status"] == found["redis"]["status"] == "up"
    assert set(found["database"]) == {"status", "openConnections", "inUse", "idle"}
    assert found["websocket"] == {"status": "running", "connections": 0, "users": 0, "rooms": 0}
    ready = world.get("/starter/ready").json()
    assert ready == {
        "status": "ready",
        "checks": {"database": True, "redis": True, "migrations": True, "websocket": True},
    }


@pytest.mark.rule("starter:R39")
def test_what_is_down_is_told_with_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(world.app.bus), "healthy", False)
    answer = world.get("/starter/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
    assert answer.json()["websocket"]["status"] == "stopped"
    answer = world.get("/starter/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "not_ready")
    monkeypatch.undo()

    async def missing(*_: Any) -> list[str]:
        return ["20991231T0000_more"]

    monkeypatch.setattr(migrations, "pending", missing)
    answer = world.get("/starter/ready")
    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, False)


@pytest.mark.rule("starter:R39")
def test_the_document_is_valid_and_shown_as_a_page(world: World) -> None:
    document = world.get("/starter/openapi.json").json()
    validate(document)
    page = world.get("/starter/docs/index.html")
    assert page.headers["Content-Type"].startswith("text/html") and "/starter/openapi.json" in page.text
    statuses = {s for item in document["paths"].values() for one in item.values() for s in one["responses"]}
    assert not statuses & {"204", "413", "415", "422", "423"}
    schema = document["components"]["schemas"]["PostEnvelope"]
    assert set(schema["required"]) == {"success", "message", "data"}
    assert documents.document(Starter())["paths"].keys() == document["paths"].keys()


@pytest.mark.rule("starter:R47")
def test_pages_of_allowed_origins_may_ask(world: World, tmp_path: Path) -> None:
    origins = "http://localhost:3000,http://localhost:3001"
    allowed = settings_for(tmp_path, world.url, cors_origins=origins)
    served = main.build(allowed, world.url)

    async def preflight(origin: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=served)
        async with httpx.AsyncClient(transport=transport, base_url="http://majlis.test") as client:
            headers = {
                "Origin": origin,
                "Access-Control-Request-Method": "PUT",
                "Access-Control-Request-Headers": "Origin, Content-Type, Accept, Authorization",
            }
            return await client.options("/starter/api/v1/posts", headers=headers)

    answer = world.go(preflight("http://localhost:3001"))
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3001"
    methods = {one.strip() for one in answer.headers["Access-Control-Allow-Methods"].split(",")}
    assert methods >= {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert world.go(preflight("http://elsewhere.example")).status_code == 400


def test_an_item_that_is_wrong_is_named_by_its_index() -> None:
    assert details([]) is None
    assert details([FieldFault("title", "x", "y")]) == {"title": "y"}
    assert details([FieldFault("items[12].title", "x", "y")]) == {"index": 12, "items[12].title": "y"}


def test_pages_are_counted() -> None:
    def block(total: int, number: int, limit: int) -> tuple[int, bool, bool]:
        found = shapes.paged([], total, number, limit).pagination
        return found.total_pages, found.has_next, found.has_prev

    assert block(0, 1, 10) == (0, False, False)
    assert block(11, 1, 10) == (2, True, False)
    assert block(11, 2, 10) == (2, False, True)
    assert block(30_000, 1001, 10) == (3000, False, True), "no page lies behind the deepest offset"


@pytest.mark.settings(rate_limits="on")
def test_only_the_pages_about_the_door_are_free_whatever_a_feature_is_called(world: World) -> None:
    amina = somebody(world, "Amina")
    answer = ask(world, "POST", "/documents", amina, {"title": "Bread"})
    assert answer.status_code == 201 and "X-RateLimit-Limit" in answer.headers
    assert "X-RateLimit-Limit" not in world.get("/starter/docs").headers
