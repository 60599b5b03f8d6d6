"""How much may be asked of the Sioree door, and what it says of its state."""

import pytest

from tests.features.media.uploads import jpeg
from tests.surfaces.compat.sioree.guests import ask, entered, refused
from tests.world import World

BAD = {"email": "nobody@example.org", "password": "Wrong-2026!"}


@pytest.mark.rule("sioree:D16", "sioree:R37")
@pytest.mark.settings(rate_limits="on")
def test_signing_in_is_limited_to_10_a_minute_from_an_address(world: World) -> None:
    for _ in range(10):
        assert ask(world, "POST", "/api/auth/refresh", json={"refreshToken": "x"}).status_code == 401
    answer = ask(world, "POST", "/api/auth/login", json=BAD)
    refused(answer, 429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 0
    assert ask(world, "GET", "/api/events").status_code == 200, "reading is another limit"


@pytest.mark.rule("sioree:D16")
@pytest.mark.settings(rate_limits="on")
def test_messages_are_limited_to_60_a_minute_for_each_person(world: World) -> None:
    amina, omid = entered(world, world.person()), entered(world, world.person())
    body = {"receiverId": str(omid.id), "text": "hi"}
    for _ in range(60):
        assert amina.ask("POST", "/api/messages", body).status_code == 200
    amina.refused(429, "rate_limited", "POST", "/api/messages", body)
    back = {"receiverId": str(amina.id), "text": "hi"}
    assert omid.ask("POST", "/api/messages", back).status_code == 200


@pytest.mark.rule("sioree:D16")
@pytest.mark.settings(rate_limits="on")
def test_uploads_are_limited_to_20_a_minute(world: World) -> None:
    amina = entered(world, world.person())
    for _ in range(20):
        amina.refused(400, "file_required", "POST", "/api/media/upload", files={"file": ("a.jpg", b"")})
    amina.refused(429, "rate_limited", "POST", "/api/media/upload", files={"file": ("a.jpg", jpeg())})
    assert amina.ask("POST", "/api/auth/logout").status_code == 200


def test_health_says_what_answers(world: World) -> None:
    answer = ask(world, "GET", "/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "up", "redis": "up"})
