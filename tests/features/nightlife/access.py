"""What the table of callers needs of the Sioree door: an event of the owner's, and one for which a friend has a ticket."""

from collections.abc import Callable
from typing import Any

from tests.features.media.uploads import jpeg
from tests.world import PASSWORD

DOOR = "/sioree/api"
EVENT = {"type": "EVENT", "title": "rooftop", "start_date": "2031-03-21"}
NEW = {"email": "newcomer@example.org", "password": PASSWORD, "name": "Newcomer", "role": "host"}
FILE = ("a.jpg", jpeg())


def things(scene: Any) -> dict[str, Any]:
    """Both events; what the friend's ticket shows is kept beside."""
    world, here = scene.world, scene.doors["/sioree"]
    world.sql("INSERT INTO nightlife_people VALUES ($1, 'host', NULL, now(), now())", scene.owner.id)
    found = {}
    for name in ("event_id", "event_id#sold"):
        made = scene.post("/api/v1/posts", scene.owner, json=EVENT)["id"]
        opened = world.request("PATCH", f"{DOOR}/events/{made}", here["owner"], json={"capacity": 50})
        assert opened.status_code == 200, opened.text
        found[name] = made
    sold = world.post(f"{DOOR}/events/{found['event_id#sold']}/tickets", here["friend"], {})
    assert sold.status_code == 200, sold.text
    scene.shown_at_the_door = sold.json()["tickets"][0]["code"]
    return found


def _receiver(scene: Any, who: str) -> str:
    return str(scene.people["friend" if who == "owner" else "owner"].id)


BODIES: dict[str, Callable[[Any, str], dict[str, Any]]] = {
    "PUT /api/v1/events/{post_id}/featured": lambda scene, who: {"json": {"featured": True}},
    f"POST {DOOR}/auth/signup": lambda scene, who: {"json": NEW},
    f"POST {DOOR}/auth/login": lambda scene, who: {
        "json": {"email": scene.owner.email, "password": PASSWORD}
    },
    f"POST {DOOR}/auth/refresh": lambda scene, who: {
        "json": {"refreshToken": scene.doors["/sioree"]["owner"].refresh_token}
    },
    f"PATCH {DOOR}/auth/me": lambda scene, who: {"json": {"bio": "bread"}},
    f"POST {DOOR}/messages": lambda scene, who: {
        "json": {"receiverId": _receiver(scene, who), "text": "salaam"}
    },
    f"POST {DOOR}/messages/conversation": lambda scene, who: {"json": {"userId": _receiver(scene, who)}},
    f"POST {DOOR}/media/upload": lambda scene, who: {"files": {"file": FILE}},
    f"POST {DOOR}/media/upload-multiple": lambda scene, who: {"files": {"files": FILE}},
    f"POST {DOOR}/events": lambda scene, who: {
        "json": {"title": "rooftop", "date": "2031-03-21T20:00:00Z", "location": "Pier 17"}
    },
    f"PATCH {DOOR}/events/{{event_id}}": lambda scene, who: {"json": {"title": "cellar"}},
    f"POST {DOOR}/events/{{event_id}}/attend": lambda scene, who: {"json": {}},
    f"POST {DOOR}/events/{{event_id}}/tickets": lambda scene, who: {"json": {}},
    f"POST {DOOR}/events/{{event_id}}/check-in": lambda scene, who: {
        "json": {"code": scene.shown_at_the_door}
    },
}
