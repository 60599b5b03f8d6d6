"""MAJLIS_REQUIRE_VERIFIED_EMAIL: whoever has not confirmed an address reads, and writes nothing that others see."""

import re
from uuid import uuid4

import pytest

from majlis.features.identity import service as identity
from majlis.kit.me import Me
from tests.access_x18 import through
from tests.features.posts.writing import POSTS, write
from tests.world import PASSWORD, Person, World

ASKED = pytest.mark.settings(require_verified_email=True)
REFUSED = (403, "email_not_verified")

# What remains possible, by method and path; {} is some id.
STILL = {
    "POST /api/v1/auth/logout", "POST /api/v1/auth/change-password",
    "PUT /api/v1/users/me", "POST /api/v1/users/me/muted-words", "PUT /api/v1/settings/privacy",
    "PUT /api/v1/settings/notifications", "PUT /api/v1/notifications/read-all",
    "POST /api/v1/users/{}/report", "POST /api/v1/users/{}/block",
    "DELETE /api/v1/posts/{}", "DELETE /api/v1/posts/{}/like",
}  # fmt: skip


def outcome(world: World, method: str, path: str, who: Person) -> tuple[int, str]:
    """Status and code of a request with an empty body."""
    body = {} if method == "DELETE" else {"json": {}}
    answer = world.request(method, re.sub(r"\{[^}]*\}", str(uuid4()), path), who, **body)
    code = answer.json()["error"]["code"] if answer.status_code >= 400 else ""
    return answer.status_code, code


def writing(world: World) -> set[str]:
    """Every route that needs a token and does not only read; what is said over a socket has tests of its own."""
    return {
        f"{route.method} {route.path}"
        for route in world.server.routes
        if route.surface.mount == ""
        and route.method not in ("GET", "WEBSOCKET")
        and route.policy.token == "needed"
    }


DOORS = {
    "/x18": r"/auth/|/users/me$|/notifications|/devices",
    "/sioree": r"/auth/",
    "/starter": r"/auth/|/notifications/",
}


@ASKED
@pytest.mark.parametrize("mount", DOORS)
def test_every_writing_route_of_a_door_is_closed_but_for_what_is_ones_own(world: World, mount: str) -> None:
    (door,) = {route.surface for route in world.server.routes if route.surface.mount == mount}
    amina = world.person(verified=False)
    there = through(world, amina, door.audience)
    routes = [
        route
        for route in world.server.routes
        if route.surface is door
        and route.method not in ("GET", "DELETE", "WEBSOCKET")
        and route.policy.token == "needed"
        and not re.search(DOORS[mount], route.path)
    ]
    assert len(routes) > 3
    for route in routes:
        path = mount + re.sub(r"\{[^}]*\}", str(uuid4()), route.path)
        answer = world.go(world.http.request(route.method, path, headers=there.auth, json={}))
        assert (route, answer.status_code) == (route, 403)
        assert re.search("email_not_verified|Confirm your e-mail address first", answer.text)


@ASKED
def test_every_writing_route_is_closed_but_for_what_is_ones_own(world: World) -> None:
    routes = writing(world)
    assert len(routes) > 60
    # Somebody else for each: some of these requests end sessions.
    people = {name: world.person(verified=False) for name in routes}
    closed = {name for name in routes if outcome(world, *name.split(), people[name]) == REFUSED}
    for name in (
        "POST /api/v1/posts",
        "PUT /api/v1/posts/{post_id}",
        "POST /api/v1/posts/{post_id}/comments",
    ):
        assert name in closed
    for name in ("POST /api/v1/businesses", "POST /api/v1/users/{user_id}/follow", "POST /api/v1/upload"):
        assert name in closed
    open_ones = {re.sub(r"\{[^}]*\}", "{}", name) for name in routes - closed}
    assert open_ones >= STILL
    strangers = [
        name
        for name in open_ones
        if not name.startswith("DELETE")
        and not re.search(
            r"/auth/|/users/me|/moderation/|/report$|/notifications|/settings/|/devices|/block$|/mute$", name
        )
    ]
    assert strangers == []


@ASKED
def test_reading_and_ones_own_account_stay_open(world: World) -> None:
    amina = world.person(verified=False)
    post = write(world, world.person())
    assert world.get(POSTS, amina).status_code == 200
    assert world.get(f"{POSTS}/{post['id']}", amina).status_code == 200
    assert world.put("/api/v1/users/me", amina, {"about": "bread"}).status_code == 200
    assert world.post(f"{POSTS}/{post['id']}/report", amina, {"reason": "Spam"}).status_code == 201
    login = world.post("/api/v1/auth/login", json={"email": amina.email, "password": PASSWORD})
    assert login.status_code == 200
    assert world.post(POSTS).status_code == 401


@ASKED
def test_a_confirmed_address_opens_the_doors_at_once(world: World) -> None:
    amina = world.person(verified=False)
    assert outcome(world, "POST", POSTS, amina) == REFUSED

    async def token() -> str:
        async with world.app.db.tx() as tx:
            return await identity.start_verification(
                tx, Me.system, await identity.get(tx, Me.system, amina.id)
            )

    answer = world.post("/api/v1/auth/verify-email", json={"token": world.go(token())})
    assert answer.status_code == 200
    write(world, amina)


def test_without_the_setting_nothing_is_asked(world: World) -> None:
    write(world, world.person(verified=False))


@pytest.mark.settings(require_verified_email=True, rate_limits="on", limits="api=3/3600")
def test_what_is_refused_counts(world: World) -> None:
    amina = world.person(verified=False)
    answers = [outcome(world, "POST", POSTS, amina) for _ in range(4)]
    assert answers == [REFUSED] * 3 + [(429, "rate_limited")]
