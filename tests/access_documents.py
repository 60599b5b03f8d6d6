"""What the table of callers needs of documents, rooms and direct messages of the starter door."""

from collections.abc import Callable
from typing import Any

from tests.world import Person, World


def things(
    world: World, owner: Person, friend: Person, doors: dict[str, dict[str, Person]]
) -> dict[str, Any]:
    """The owner's document, which a friend edits, its room, and what the owner wrote to that friend."""
    body = {"title": "Guests", "collaborators": [str(friend.id)]}
    made = world.post("/api/v1/documents", owner, json=body)
    assert made.status_code == 201, made.text
    said = {"receiverId": str(friend.id), "content": "salaam"}
    sent = world.post("/starter/api/v1/messages", doors["/starter"]["owner"], json=said)
    assert sent.status_code == 201, sent.text
    return {
        "document_id": made.json()["id"],
        "room_id": "kitchen",
        "room_id#document": f"document:{made.json()['id']}",
        "user_id#collaborator": friend.id,
        "message_id#starter": sent.json()["data"]["id"],
    }


def other(scene: Any) -> str:
    """Whom the owner may bring in."""
    return str(scene.people["follower"].id)


def partner(scene: Any, who: str) -> str:
    """With whom a caller may converse: the owner, who does with a friend."""
    return str(scene.people["friend" if who == "owner" else "owner"].id)


CHANGES = {"json": {"changes": {"bread": 2}}}
ADD, DROP = "/collaborators", "/collaborators/{user_id}"
ONE, STARTER = "/api/v1/documents/{document_id}", "/starter/api/v1/documents/{document_id}"
BODIES: dict[str, Callable[[Any, str], dict[str, Any]]] = {
    "POST /api/v1/documents": lambda scene, who: {"json": {"title": "Guests"}},
    f"PATCH {ONE}": lambda scene, who: CHANGES,
    f"POST {ONE}/updates": lambda scene, who: {"json": {"update": "AAA="}},
    f"POST {ONE}{ADD}": lambda scene, who: {"json": {"user_id": other(scene)}},
    "POST /starter/api/v1/documents": lambda scene, who: {"json": {"title": "Guests"}},
    f"PATCH {STARTER}": lambda scene, who: CHANGES,
    f"POST {STARTER}{ADD}": lambda scene, who: {"json": {"userId": other(scene)}},
    "GET /starter/api/v1/messages": lambda scene, who: {"params": {"userId": partner(scene, who)}},
    "POST /starter/api/v1/messages": lambda scene, who: {
        "json": {"receiverId": partner(scene, who), "content": "salaam"}
    },
    "POST /starter/api/v1/messages/read": lambda scene, who: {
        "json": {"messageIds": [scene.things["message_id#starter"]]}
    },
}
