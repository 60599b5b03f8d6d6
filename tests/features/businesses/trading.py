"""Businesses as tests open them."""

from typing import Any

import httpx

from tests.world import Person, World

BUSINESSES = "/api/v1/businesses"


def opened(world: World, who: Person, name: str = "Bakery", **fields: Any) -> dict[str, Any]:
    """A business of somebody; its body as answered."""
    answer = world.post(BUSINESSES, who, {"name": name, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def at(business: dict[str, Any], rest: str = "") -> str:
    """A path under a business."""
    return f"{BUSINESSES}/{business['id']}{rest}"


def faults(answer: httpx.Response) -> set[str]:
    """The fields that a refusal names."""
    assert answer.status_code == 422, answer.text
    return {detail["field"] for detail in answer.json()["error"]["details"]}


def block(world: World, who: Person, whom: Person) -> None:
    assert world.post(f"/api/v1/users/{whom.id}/block", who).status_code == 200


def categories(world: World, count: int = 3) -> list[str]:
    """The ids of some categories, in the order of their names."""
    found = world.get(f"{BUSINESSES}/categories").json()["data"]
    return [one["id"] for one in found[:count]]


def day(name: str, opens: str | None, closes: str | None, **more: Any) -> dict[str, Any]:
    """The hours of a weekday as they are sent."""
    return {"day": name, "open_time": opens, "close_time": closes, **more}
