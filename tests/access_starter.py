"""What the table of callers needs of the starter door: what the owner has there, and what the others say."""

from collections.abc import Callable
from typing import Any

from tests.world import PASSWORD, Person, World

ARTICLE = {
    "title": "Bread at six",
    "content": "The oven is hot from four in the morning.",
    "status": "published",
}


def things(world: World, doors: dict[str, dict[str, Person]]) -> dict[str, Any]:
    """The owner's articles, published and not, and a task."""
    here = doors["/starter"]["owner"]

    def made(path: str, **body: Any) -> dict[str, Any]:
        answer = world.post(f"/starter/api/v1/{path}", here, json=body)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found

    shown, draft = made("posts", **ARTICLE), made("posts", **{**ARTICLE, "status": "draft"})
    return {
        "post_id#starter": shown["id"],
        "slug#starter": shown["slug"],
        "post_id#starter-draft": draft["id"],
        "slug#starter-draft": draft["slug"],
        "task_id": made("tasks", type="large_task")["taskId"],
    }


BODIES: dict[str, Callable[[Any, str], dict[str, Any]]] = {
    "POST /starter/api/v1/auth/register": lambda scene, who: {
        "json": {"name": "Newcomer", "email": "newcomer@example.org", "password": PASSWORD}
    },
    "POST /starter/api/v1/auth/login": lambda scene, who: {
        "json": {"email": scene.owner.email, "password": PASSWORD}
    },
    "POST /starter/api/v1/auth/refresh": lambda scene, who: {
        "json": {"refreshToken": scene.doors["/starter"]["owner"].refresh_token}
    },
    "POST /starter/api/v1/posts": lambda scene, who: {"json": ARTICLE},
    "POST /starter/api/v1/posts/bulk": lambda scene, who: {"json": {"items": [ARTICLE]}},
    "PUT /starter/api/v1/posts/{post_id}": lambda scene, who: {"json": {"title": "Bread at seven"}},
    "POST /starter/api/v1/tasks": lambda scene, who: {"json": {"type": "large_task"}},
    "PUT /starter/api/v1/notifications/preferences": lambda scene, who: {"json": {"emailEnabled": False}},
}
