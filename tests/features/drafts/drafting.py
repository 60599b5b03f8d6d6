"""Drafts as tests write them."""

from datetime import datetime, timedelta
from typing import Any

from majlis.features.drafts import handlers
from majlis.kit import clock
from tests.world import Person, World

DRAFTS = "/api/v1/drafts"


def keep(world: World, who: Person, **fields: Any) -> dict[str, Any]:
    """A draft by somebody; its body as answered."""
    answer = world.post(DRAFTS, who, fields)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def read(world: World, who: Person, draft: dict[str, Any]) -> dict[str, Any] | None:
    """A draft as its owner reads it now; None when it is gone."""
    answer = world.get(f"{DRAFTS}/{draft['id']}", who)
    if answer.status_code == 404:
        return None
    found: dict[str, Any] = answer.json()
    return found


def ahead(**span: float) -> str:
    """A time from now on, as clients write it."""
    return (clock.now() + timedelta(**span)).isoformat()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def work(world: World, **later: float) -> None:
    """What the server does by itself once so much time has passed."""
    with clock.shifted(timedelta(**later)):
        world.go(handlers.find_due(world.app))
        world.drain()


def texts(world: World, who: Person) -> list[str | None]:
    """What somebody's posts say, newest first."""
    answer = world.get("/api/v1/users/me/posts", who)
    assert answer.status_code == 200, answer.text
    return [post["description"] for post in answer.json()["data"]]
