"""What the table of callers needs of the x18 door: tokens of its own, and what the owner has there."""

from collections.abc import Callable
from typing import Any

from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import Audience
from majlis.kit.me import Me, Origin
from majlis.surfaces.compat.sioree.audience import AUDIENCE as SIOREE
from majlis.surfaces.compat.starter.audience import AUDIENCE as STARTER
from majlis.surfaces.compat.x18.audience import AUDIENCE
from tests.features.media.uploads import jpeg
from tests.world import PASSWORD, Person, World

MOUNTS: dict[str, Audience] = {"/x18": AUDIENCE, "/sioree": SIOREE, "/starter": STARTER}
FILE = {"file": ("a.jpg", jpeg())}


def through(world: World, person: Person, audience: Audience) -> Person:
    """The same person with tokens of another door."""

    async def enter() -> Person:
        app = world.app
        async with app.db.tx() as tx:
            pair = await sessions.open_session(
                app, tx, Me.system, person.id, Origin(), None, audience=audience
            )
        me = await sessions.authenticate(app, pair.access_token, audience)
        return Person(person.id, person.email, pair.access_token, pair.refresh_token, me)

    return world.go(enter())


def things(world: World, owner: Person, doors: dict[str, dict[str, Person]]) -> dict[str, Any]:
    """The owner's kept picture, its file, name, and what the owner is told there."""
    here = doors["/x18"]["owner"]
    kept = world.post("/x18/api/media/upload", here, files=FILE).json()
    world.drain()
    told = world.get("/x18/api/notifications", here).json()["notifications"]
    assert told, "the owner is followed"
    return {
        "media_id": kept["id"],
        "file_name": kept["url"].rpartition("/")[2],
        "notification_id#x18": told[0]["id"],
        "username": world.get("/x18/api/users/me", here).json()["username"],
        "tag": "bread",
        "name#console": "console.js",
    }


NEW = {"username": "newcomer", "email": "newcomer@example.org", "password": PASSWORD}
BODIES: dict[str, Callable[[Any, str], dict[str, Any]]] = {
    "POST /x18/api/auth/register": lambda scene, who: {"json": NEW},
    "POST /x18/api/auth/login": lambda scene, who: {
        "json": {"email": scene.owner.email, "password": PASSWORD}
    },
    "POST /x18/api/auth/refresh": lambda scene, who: {
        "json": {"refresh_token": scene.doors["/x18"]["owner"].refresh_token}
    },
    "PATCH /x18/api/users/me": lambda scene, who: {"json": {"bio": "bread"}},
    "POST /x18/api/posts": lambda scene, who: {"json": {"content": "bread"}},
    "POST /x18/api/media/upload": lambda scene, who: {"files": FILE},
    "PUT /x18/api/devices": lambda scene, who: {"json": {"token": "a-phone"}},
    "DELETE /x18/api/devices": lambda scene, who: {"json": {"token": "the-owners"}},
    "PUT /x18/api/notifications/settings": lambda scene, who: {
        "json": {"category": "POSTS", "push_pref": False}
    },
    "POST /x18/api/conversations": lambda scene, who: {
        "json": {"user_id": str(scene.people["friend" if who == "owner" else "owner"].id)}
    },
    "POST /x18/api/conversations/{conversation_id}/messages": lambda scene, who: {
        "json": {"content": "bread"}
    },
    "POST /x18/api/posts/{post_id}/vote": lambda scene, who: {"json": {"option_id": scene.option}},
    "GET /x18/api/timeline/search": lambda scene, who: {"params": {"category": "bread"}},
    **{
        f"GET /x18/api/search{kind}": lambda scene, who: {"params": {"q": "bread"}}
        for kind in ("", "/users", "/posts")
    },
}
