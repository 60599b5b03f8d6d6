"""Chat as tests use it."""

from typing import Any

from tests.world import Person, World

ALL = "/api/v1/chat/conversations"
MESSAGES = "/api/v1/chat/messages"
Json = dict[str, Any]


def opened(world: World, who: Person, other: Person) -> Json:
    """The conversation of two people."""
    answer = world.post(ALL, who, {"user_id": str(other.id)})
    assert answer.status_code in (200, 201), answer.text
    found: Json = answer.json()
    return found


def say(world: World, who: Person, conversation: Json, content: str = "Salaam", **fields: Any) -> Json:
    """A message by somebody; its body as answered."""
    body = {"conversation_id": conversation["id"], "content": content, **fields}
    answer = world.post(MESSAGES, who, body)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def listed(world: World, who: Person, path: str = ALL, **query: Any) -> list[Json]:
    """A page of a list."""
    answer = world.get(path, who, params=query)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["data"]
    return found


def of(conversation: Json) -> str:
    """The path of a conversation's messages."""
    return f"{ALL}/{conversation['id']}/messages"


def privacy(world: World, who: Person, choice: str) -> None:
    """Who may write to somebody."""
    answer = world.put("/api/v1/settings/privacy", who, {"direct_message_visibility": choice})
    assert answer.status_code == 200, answer.text
