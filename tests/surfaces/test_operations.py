"""Health, readiness and metrics."""

from types import SimpleNamespace
from typing import Any

import pytest

from majlis.kit.bus import MemoryBus
from tests.world import World


@pytest.mark.rule("hamsaya:169", "hamsaya:170")
def test_the_probes_stand_at_the_root(world: World) -> None:
    assert world.get("/health/live").json() == {"status": "ok"}
    for path in ("/health", "/health/ready"):
        body = world.get(path).json()
        assert (body["status"], body["components"]) == ("ok", {"database": "ok", "bus": "ok", "files": "ok"})
        assert "version" not in body
    assert "majlis_http_request_seconds" in world.get("/metrics").text
    for path in ("/health/live", "/health", "/metrics"):
        assert world.get("/api/v1" + path).status_code == 404


class DeafBus(MemoryBus):
    """A bus that has lost its connection."""

    healthy = False  # type: ignore[assignment]


@pytest.mark.rule("hamsaya:171")
def test_not_ready_while_a_component_is_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.app, "bus", DeafBus())
    answer = world.get("/health/ready")
    assert (answer.status_code, answer.json()["components"]["bus"]) == (503, "down")
    assert world.get("/health/live").status_code == 200


@pytest.mark.rule("afrochat:R20", "hamsaya:171")
def test_health_names_everything_that_is_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"database": "ok", "bus": "ok", "files": "ok"}
    assert world.get("/health").json()["components"] == found

    def broken() -> Any:
        raise ConnectionError("the database is away")

    # A proxy for the database, so that the test's own connection stays.
    away = SimpleNamespace(tx=broken)
    for name, instead in (("bus", DeafBus()), ("db", away)):
        monkeypatch.setattr(world.app, name, instead)
        found["database" if name == "db" else name] = "down"
        answer = world.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "down")
        assert answer.json()["components"] == found


@pytest.mark.rule("hamsaya:171")
def test_not_ready_without_storage(world: World) -> None:
    folder = world.app.settings.data_path() / "files"
    world.get("/health")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    answer = world.get("/health/ready")
    assert (answer.status_code, answer.json()["components"]["files"]) == (503, "down")


@pytest.mark.rule("hamsaya:171")
@pytest.mark.settings(metrics_networks="10.0.0.0/8")
def test_metrics_are_for_the_internal_network(world: World) -> None:
    assert world.get("/metrics").status_code == 403


@pytest.mark.rule("hamsaya:171")
@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
@pytest.mark.settings(trusted_proxies="")
def test_metrics_are_not_for_who_comes_through_an_unknown_proxy(world: World, name: str) -> None:
    """Everybody has its address, which is one of the internal network."""
    assert world.get("/metrics").status_code == 200
    assert world.get("/metrics", headers={name: "203.0.113.9"}).status_code == 403


@pytest.mark.rule("hamsaya:7")
def test_requests_are_measured_by_route_and_status(world: World) -> None:
    world.get("/api/v1/posts/00000000-0000-0000-0000-000000000000")
    lines: Any = [
        line for line in world.get("/metrics").text.splitlines() if "/api/v1/posts/{post_id}" in line
    ]
    assert any('status="404"' in line and 'method="GET"' in line for line in lines)
