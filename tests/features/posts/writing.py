"""Posts as tests write them."""

from typing import Any

import httpx

from tests.world import Person, World

POSTS = "/api/v1/posts"


def category(world: World) -> str:
    """Some sell category."""
    return str(world.sql("SELECT id FROM sell_categories ORDER BY name LIMIT 1")[0]["id"])


def body_of(world: World, kind: str, **fields: Any) -> dict[str, Any]:
    """The least that a post of this type needs."""
    least: dict[str, dict[str, Any]] = {
        "FEED": {"description": "Fresh bread at the corner"},
        "SELL": {"title": "Carpet", "category_id": category(world), "price": "1500.00", "currency": "AFN"},
        "EVENT": {"title": "Kite day", "start_date": "2031-03-21"},
        "PULL": {"description": "Which day?", "poll_options": ["Friday", "Saturday"]},
    }
    return {"type": kind, **least[kind], **fields}


def write(world: World, who: Person, kind: str = "FEED", **fields: Any) -> dict[str, Any]:
    """A post by somebody; its body as answered."""
    answer = world.post(POSTS, who, body_of(world, kind, **fields))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def friends(world: World, one: Person, other: Person) -> None:
    """Let two people follow each other."""
    world.sql(
        "INSERT INTO user_follows (follower_id, following_id) VALUES ($1, $2), ($2, $1) RETURNING 1",
        one.id,
        other.id,
    )


def block(world: World, who: Person, whom: Person) -> None:
    """Let one block the other."""
    world.sql("INSERT INTO user_blocks (blocker_id, blocked_id) VALUES ($1, $2) RETURNING 1", who.id, whom.id)


def faults(answer: httpx.Response) -> set[str]:
    """The fields that a refusal names."""
    assert answer.status_code == 422, answer.text
    return {detail["field"] for detail in answer.json()["error"]["details"]}
