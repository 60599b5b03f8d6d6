"""The workspace of the table of who may do what: the owner's, with a follower as a member and a friend as a guest."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from majlis.kit import clock
from tests.features.media.uploads import jpeg
from tests.world import PASSWORD

WORKSPACE = "/api/v1/workspaces/{workspace_id}"
CHANNEL = "/api/v1/channels/{channel_id}"
MESSAGE = "/api/v1/messages/{message_id}"
UPLOAD = "/api/v1/uploads/{upload_id}"
PLAN = b"%PDF-1.7"
Body = Callable[[Any, str], dict[str, Any]]


def things(scene: Any) -> dict[str, Any]:
    """One of each thing of a workspace; its channel is public, and the follower and the friend are in it."""
    owner, follower, friend = (scene.people[name] for name in ("owner", "follower", "friend"))
    made = scene.post("/api/v1/workspaces", owner, json={"name": "Bakers", "slug": "bakers"})["id"]
    at = f"/api/v1/workspaces/{made}"
    channel = scene.post(f"{at}/channels", owner, json={"name": "bread"})["id"]
    secret = scene.post(f"{at}/channels", owner, json={"name": "secret", "kind": "private"})["id"]
    tokens = []
    for person, role in ((follower, "member"), (friend, "guest")):
        body = {"kind": "link", "role": role, "channel_ids": [channel]}
        tokens.append(scene.post(f"{at}/invites", owner, json=body)["data"][0]["url"].rpartition("/")[2])
        scene.post(f"/api/v1/invites/{tokens[-1]}/accept", person)
    mailed = {"kind": "email", "emails": ["newcomer@example.org"]}
    scene.post(f"{at}/emoji", owner, data={"name": "bread"}, files={"file": ("a.jpg", jpeg())})
    said = {"client_msg_id": str(uuid4()), "text": "salaam"}
    return {
        "workspace_id": made,
        "channel_id": channel,
        "channel_id#secret": secret,
        "member_id": follower.id,
        "invite_id": scene.post(f"{at}/invites", owner, json=mailed)["data"][0]["id"],
        "token": tokens[0],
        "name#bread": "bread",
        **files(scene, owner, channel, secret),
        **programs(scene, owner, at, channel),
        "scheduled_id#channel": scene.post(
            f"/api/v1/channels/{channel}/scheduled_messages", owner, json=later()
        )["id"],
        "message_id#channel": scene.post(f"/api/v1/channels/{channel}/messages", owner, json=said)["id"],
    }


def files(scene: Any, owner: Any, channel: str, secret: str) -> dict[str, Any]:
    """Files that messages carry, an upload whose bytes are to come, and one whose bytes are there."""
    found = {}
    for name, place in (("", channel), ("#secret", secret)):
        part = {"file": ("plan.pdf", PLAN)}
        path = f"/api/v1/channels/{place}/files"
        found[f"file_id{name}"] = scene.post(path, owner, data={"share": "1"}, files=part)["id"]
    for name in ("#open", ""):
        body = {"name": "plan.pdf", "size": len(PLAN)}
        ticket = scene.post(f"/api/v1/channels/{channel}/uploads", owner, json=body)
        path, _, query = ticket["url"].removeprefix(scene.world.app.settings.base_url()).partition("?")
        found[f"upload_id{name}"], found[f"ticket{name}"] = ticket["upload_id"], dict(parse_qsl(query))
    assert scene.world.put(path, params=found["ticket"], content=PLAN).status_code == 204
    return found


def programs(scene: Any, owner: Any, at: str, channel: str) -> dict[str, Any]:
    """A webhook of the owner's and the secret of its address, and an export that is made."""
    body = {"channel_id": channel, "display_name": "Oven watch"}
    *_, webhook, secret = scene.post(f"{at}/incoming_webhooks", owner, json=body)["url"].split("/")
    export = scene.post(f"{at}/exports", owner, json={})["id"]
    scene.world.drain()
    return {"webhook_id": webhook, "secret": secret, "export_id#workspace": export}


def export_link(scene: Any, who: str) -> dict[str, Any]:
    """What the link to the owner's export holds."""
    path = f"/api/v1/exports/{scene.things['export_id#workspace']}/download"
    location = scene.world.get(path, scene.owner).headers["location"]
    return {"params": dict(parse_qsl(location.partition("?")[2]))}


def later() -> dict[str, Any]:
    """What is to be said tomorrow."""
    return {"text": "salaam", "post_at": (clock.now() + timedelta(days=1)).isoformat()}


def json(**values: Any) -> Body:
    return lambda scene, who: {"json": values}


BODIES: dict[str, Body] = {
    "POST /api/v1/workspaces": json(name="Millers", slug="millers"),
    f"PATCH {WORKSPACE}": json(name="Millers"),
    f"DELETE {WORKSPACE}": json(confirm_slug="bakers"),
    f"POST {WORKSPACE}/transfer_ownership": lambda scene, who: {
        "json": {"user_id": str(scene.people["follower"].id), "password": PASSWORD}
    },
    f"PATCH {WORKSPACE}/members/{{member_id}}": json(role="admin"),
    f"POST {WORKSPACE}/invites": json(kind="link"),
    f"POST {WORKSPACE}/channels": json(name="cake"),
    f"PATCH {CHANNEL}": json(purpose="All of it"),
    f"PUT {CHANNEL}/topic": json(topic="Rye"),
    f"POST {CHANNEL}/members": lambda scene, who: {"json": {"user_ids": [str(scene.people["follower"].id)]}},
    f"PATCH {CHANNEL}/members/me": json(starred=True),
    f"POST {CHANNEL}/messages": lambda scene, who: {
        "json": {"client_msg_id": str(uuid4()), "text": "salaam"}
    },
    f"POST {CHANNEL}/files": lambda scene, who: {"files": {"file": ("plan.pdf", PLAN)}},
    f"POST {CHANNEL}/uploads": json(name="plan.pdf", size=8),
    f"PUT {UPLOAD}/content": lambda scene, who: {"params": scene.things["ticket#open"], "content": PLAN},
    f"GET {WORKSPACE}/presence": lambda scene, who: {"params": {"user_ids": str(scene.owner.id)}},
    "PUT /api/v1/users/me/presence": json(presence="dnd"),
    "PUT /api/v1/users/me/status": json(text="baking"),
    f"POST {WORKSPACE}/incoming_webhooks": lambda scene, who: {
        "json": {"channel_id": scene.things["channel_id"], "display_name": "Mill watch"}
    },
    "POST /hooks/{webhook_id}/{secret}": json(text="The oven is hot"),
    f"POST {WORKSPACE}/exports": json(scope="public"),
    "GET /api/v1/exports/{export_id}/file": export_link,
    f"POST {WORKSPACE}/emoji": json(name="naan", alias_of="bread"),
    f"POST {CHANNEL}/mark_read": json(seq=1),
    f"POST {WORKSPACE}/dms": lambda scene, who: {
        "json": {"user_ids": [str(scene.people["owner" if who != "owner" else "follower"].id)]}
    },
    f"POST {CHANNEL}/scheduled_messages": lambda scene, who: {"json": later()},
    "PATCH /api/v1/scheduled_messages/{scheduled_id}": json(text="salaam again"),
    f"GET {WORKSPACE}/search": lambda scene, who: {"params": {"q": "salaam"}},
    f"POST {CHANNEL}/mark_unread": json(seq=1),
    f"PATCH {MESSAGE}": json(text="salaam again"),
    f"PUT {MESSAGE}/follow": json(following=True),
    f"POST {MESSAGE}/mark_thread_read": json(seq=1),
}
