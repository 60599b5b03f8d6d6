"""What tests of the map stand on."""

from collections.abc import Iterable
from typing import Any

from majlis.features.discovery import service
from majlis.kit.me import Me
from tests.features.posts.writing import write
from tests.world import Person, World

DISCOVER, MARKERS = "/api/v1/discover", "/api/v1/discover/markers"
KABUL = (34.53, 69.17)
WORLD = "min_lat=-90&min_lng=-180&max_lat=90&max_lng=180"


def mapped(
    world: World, who: Person, lat: float, lng: float, kind: str = "FEED", **fields: Any
) -> dict[str, Any]:
    """A post that shows its address."""
    return write(
        world, who, kind, **{"address_location": {"lat": lat, "lng": lng}, "is_location": True, **fields}
    )


def shop(world: World, who: Person, lat: float | None, lng: float | None, **fields: Any) -> dict[str, Any]:
    """A business, at a place unless that is None."""
    place = {} if lat is None else {"address_location": {"lat": lat, "lng": lng}}
    answer = world.post("/api/v1/businesses", who, {"name": "Bakery", **place, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def drawn(world: World, query: str, who: Person | None = None) -> dict[str, Any]:
    """What the map answers."""
    answer = world.get(f"{MARKERS}?{query}", who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(things: Iterable[dict[str, Any]]) -> list[str]:
    return [thing["id"] for thing in things]


def marked(world: World, query: str, who: Person | None = None) -> list[str]:
    """The ids of single markers."""
    return ids(drawn(world, query, who)["data"])


def fold(world: World) -> int:
    """Let the job bring everything into the squares."""

    async def work() -> int:
        count = 0
        while True:
            async with world.app.db.tx() as tx:
                some = await service.fold(tx, Me.system)
            if not some:
                return count
            count += some

    return world.go(work())
