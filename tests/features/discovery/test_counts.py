"""What a map holds, against a straight count in Python of what each viewer may see."""

import random
from collections import Counter
from typing import Any

import msgspec
import pytest

from majlis.features.discovery import model, service
from majlis.features.discovery.model import MarkersQuery
from majlis.kit import geo
from majlis.kit.geo import Point
from tests.features.discovery.mapping import drawn, fold, mapped, marked, shop
from tests.features.posts.writing import body_of
from tests.world import Person, World

AREAS = (
    {"min_lat": 9.5, "min_lng": 179.2, "max_lat": 10.6, "max_lng": -179.1},  # across the antimeridian
    {"min_lat": -80, "min_lng": 20, "max_lat": 85, "max_lng": 10},  # nearly around the world: its ends meet
    {"min_lat": 9, "min_lng": 179.85, "max_lat": 11, "max_lng": 180},
    {"min_lat": -90, "min_lng": -180, "max_lat": 90, "max_lng": 180},
    {"lat": 10, "lng": -179.99, "radius_km": 40},
)
HERE = (AREAS[0], AREAS[2], AREAS[4])  # few degrees wide: there a list of the nearest walks the index
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"kind": "posts"},
    {"kind": "businesses"},
    {"type": ["SELL", "EVENT"]},
    {"type": ["FEED"], "kind": "all"},
)
WORD = "football"


class Village:
    """Random people who follow, block and mute one another, and what they put on the map."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.choose = world, random.Random(seed)
        self.people = [world.person() for _ in range(7)]
        self.suspended = self.people[-1]
        self.categories = [
            str(row["id"]) for row in world.sql("SELECT id FROM sell_categories ORDER BY name LIMIT 2")
        ]
        self.follows, self.blocks, self.mutes = (self._pairs(share) for share in (0.5, 0.12, 0.12))
        self.shops: list[dict[str, Any]] = []
        self.posts: list[dict[str, Any]] = []
        for _ in range(12):
            self._open()
        for at in range(90):
            self._write()
            if at == 60:
                fold(world)  # what comes after this waits
        self._relate()

    def _pairs(self, share: float) -> set[tuple[Any, Any]]:
        return {
            (one.id, other.id)
            for one in self.people
            for other in self.people
            if one is not other and self.choose.random() < share
        }

    def _place(self) -> tuple[float, float]:
        lng = 180 + self.choose.gauss(0, 0.2)
        return 10 + self.choose.gauss(0, 0.2), lng if lng <= 180 else lng - 360

    def _open(self) -> None:
        owner, (lat, lng) = self.choose.choice(self.people), self._place()
        made = shop(self.world, owner, lat, lng)
        self.shops.append({"id": made["id"], "by": owner, "lat": lat, "lng": lng, "gone": False})

    def _write(self) -> None:
        author, (lat, lng) = self.choose.choice(self.people), self._place()
        kind = self.choose.choice(["FEED", "EVENT", "SELL"])
        fields: dict[str, Any] = {
            "visibility": self.choose.choice(["PUBLIC", "PUBLIC", "FRIENDS", "PRIVATE"]),
            "status": self.choose.random() < 0.9,
            "is_location": self.choose.random() < 0.9,
            "description": self.choose.choice(["kites", "bread", WORD]),
        }
        if kind == "SELL":
            fields["category_id"] = self.choose.choice(self.categories)
        own = [one for one in self.shops if one["by"] is author]
        if own and self.choose.random() < 0.5:
            fields["business_id"] = self.choose.choice(own)["id"]
        made = mapped(self.world, author, lat, lng, kind, **fields)
        body = body_of(self.world, kind, **fields)
        self.posts.append({**body, "id": made["id"], "by": author, "lat": lat, "lng": lng, "gone": False})

    def _relate(self) -> None:
        """Who follows whom and who is private comes after the posts, as do deletions."""
        tables = {
            "user_follows (follower_id, following_id)": self.follows,
            "user_blocks (blocker_id, blocked_id)": self.blocks,
            "user_mutes (muter_id, muted_id)": self.mutes,
        }
        for table, pairs in tables.items():
            for pair in sorted(pairs):
                self.world.sql(f"INSERT INTO {table} VALUES ($1, $2) RETURNING 1", *pair)
        self.private = {person.id for person in self.people[1:4]}
        change = "UPDATE profiles SET is_private = id = ANY ($1), suspended = id = $2 RETURNING 1"
        for thing in self.posts + self.shops:
            if self.choose.random() < 0.12:
                kind = "posts" if thing in self.posts else "businesses"
                gone = self.world.delete(f"/api/v1/{kind}/{thing['id']}", thing["by"])
                assert gone.status_code == 204, gone.text
                thing["gone"] = True
        self.world.sql(change, list(self.private), self.suspended.id)

    def _meets(self, viewer: Any, other: Any) -> bool:
        apart = {(viewer, other), (other, viewer)} & self.blocks
        return not apart and other != self.suspended.id

    def sees(self, who: Person | None, post: dict[str, Any], muting: bool) -> bool:
        """Whether somebody may see a post in lists, and wants to."""
        viewer, author = who.id if who else None, post["by"].id
        of = [one for one in self.shops if one["id"] == post.get("business_id")]
        if post["gone"] or not post["status"] or any(one["gone"] for one in of):
            return False
        if not self._meets(viewer, author) or (viewer, author) in self.mutes:
            return False
        if viewer == author:
            return True
        if muting and post["description"] == WORD:
            return False
        follows = (viewer, author) in self.follows
        if post["visibility"] == "PUBLIC":
            return author not in self.private or follows
        return post["visibility"] == "FRIENDS" and follows and (author, viewer) in self.follows

    def things(
        self, who: Person | None, query: MarkersQuery, muting: bool
    ) -> list[tuple[dict[str, Any], bool]]:
        """What the map has for somebody anywhere, and whether it is a post."""
        found = [
            (post, True)
            for post in self.posts
            if query.posts
            and post["is_location"]
            and (query.type is None or post["type"] in query.type)
            and (query.category_id is None or post.get("category_id") == str(query.category_id))
            and self.sees(who, post, muting)
        ]
        shops = [one for one in self.shops if query.businesses and query.category_id is None]
        viewer = who.id if who else None
        return found + [
            (one, False) for one in shops if not one["gone"] and self._meets(viewer, one["by"].id)
        ]


def expected(query: MarkersQuery, things: list[tuple[dict[str, Any], bool]]) -> tuple[Any, Any]:
    """Posts and businesses of each cluster by its south and west, and the ids of single markers."""
    area = model.area_of(query)
    assert area is not None and query.zoom is not None
    window = model.window_of(area, query.zoom, service.SQUARES * query.limit)
    squares: dict[tuple[int, int], list[tuple[dict[str, Any], bool]]] = {}
    for thing, is_post in things:
        x, y = model.column(thing["lng"]), model.row(thing["lat"])
        spans = zip(window.wests, window.easts, strict=True)
        if window.north <= y <= window.south and any(west <= x <= east for west, east in spans):
            squares.setdefault((x >> window.shift, y >> window.shift), []).append((thing, is_post))
    clusters, single = {}, set()
    for place, held in squares.items():
        if len(held) > 1:
            bounds = model.square(window.level, *place)
            kinds = Counter(is_post for _, is_post in held)
            clusters[bounds.min_lat, bounds.min_lng] = (kinds[True], kinds[False])
        elif any(
            box.south <= held[0][0]["lat"] <= box.north and box.west <= held[0][0]["lng"] <= box.east
            for box in area.boxes
        ):
            single.add(held[0][0]["id"])
    return clusters, single


def nearest(query: MarkersQuery, things: list[tuple[dict[str, Any], bool]]) -> list[str]:
    """The ids of what lies in an area, nearest to its middle first."""
    area = model.area_of(query)
    assert area is not None
    found = []
    for thing, _ in things:
        far = geo.distance_km(Point(thing["lat"], thing["lng"]), area.center)
        inside = any(
            box.south <= thing["lat"] <= box.north and box.west <= thing["lng"] <= box.east
            for box in area.boxes
        )
        if inside and (area.radius_km is None or far <= area.radius_km):
            found.append((far, thing["id"]))
    return [thing for _, thing in sorted(found)]


@pytest.mark.rule("hamsaya:89", "hamsaya:115", "hamsaya:149")
def test_a_map_holds_what_a_straight_count_finds(world: World) -> None:
    village = Village(world, 1)
    viewers = [*village.people[:-1], None]
    muting = village.people[0]
    assert world.post("/api/v1/users/me/muted-words", muting, {"word": WORD}).status_code == 201
    filters = [*FILTERS, {"category_id": village.categories[0]}]
    seen: Counter[str] = Counter()
    for who in viewers:
        for area in AREAS:
            for wanted in filters:
                zoom = village.choose.choice([0, 3, 6, 8, 10, 12, 14, 16])
                asked = "&".join(
                    f"{name}={value}"
                    for name, values in {**area, **wanted}.items()
                    for value in (values if isinstance(values, list) else [values])
                )
                query = msgspec.convert({**area, **wanted, "zoom": zoom, "limit": 500}, MarkersQuery)
                things = village.things(who, query, who is muting)
                clusters, single = expected(query, things)
                found = drawn(world, f"{asked}&zoom={zoom}&limit=500", who)
                held = {
                    (one["bounds"]["min_lat"], one["bounds"]["min_lng"]): (one["posts"], one["businesses"])
                    for one in found["clusters"]
                }
                assert held == clusters, (who, asked, zoom)
                assert {marker["id"] for marker in found["data"]} == single, (who, asked, zoom)
                seen["clusters"] += len(clusters)
                seen["single"] += len(single)
                near = nearest(query, things)
                assert marked(world, f"{asked}&limit=500", who) == near, (who, asked)
                if area in HERE:
                    assert marked(world, f"{asked}&limit=3", who) == near[:3], (who, asked)
    assert min(seen["clusters"], seen["single"]) > 200
