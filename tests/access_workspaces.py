"""The workspace of the table of who may do what: the owner's, with a follower as a member and a friend as a guest."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.features.media.uploads import jpeg
from tests.world import PASSWORD

WORKSPACE = "/api/v1/workspaces/{workspace_id}"
CHANNEL = "/api/v1/channels/{channel_id}"
MESSAGE = "/api/v1/messages/{message_id}"
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
        "message_id#channel": scene.post(f"/api/v1/channels/{channel}/messages", owner, json=said)["id"],
    }


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
    f"POST {WORKSPACE}/emoji": json(name="naan", alias_of="bread"),
    f"POST {CHANNEL}/mark_read": json(seq=1),
    f"GET {WORKSPACE}/search": lambda scene, who: {"params": {"q": "salaam"}},
    f"POST {CHANNEL}/mark_unread": json(seq=1),
    f"PATCH {MESSAGE}": json(text="salaam again"),
    f"PUT {MESSAGE}/follow": json(following=True),
    f"POST {MESSAGE}/mark_thread_read": json(seq=1),
}
