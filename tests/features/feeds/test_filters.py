"""Every filter with every other, in every order, against the same rules written down in Python."""

import itertools
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from majlis.kit import clock, geo
from majlis.kit.geo import Point
from tests.features.discovery.mapping import shop
from tests.features.posts.writing import POSTS, write
from tests.world import Person, World

Keep = Callable[[dict[str, Any]], bool]
MIDDLE = Point(34.5, 69.1)
NEAR = "lat=34.5&lng=69.1&radius_km=40"
PLACES = [("Afghanistan", "Kabul", "Karte Seh", "West"), ("afghanistan", "Herat", "District 1", "East")]
WORDS = ["fresh bread", "نان تازه", "свежий хлеб"]
TODAY = clock.now().date()


def town(world: World, people: list[Person], kinds: list[str]) -> list[dict[str, Any]]:
    """Posts of all sorts, and beside each what the filters ask for."""
    choose = random.Random(7)
    business = shop(world, people[0], None, None)["id"]
    posts = []
    for n in range(36):
        kind = ("FEED", "SELL", "EVENT", "SELL")[n % 4]
        place, who = PLACES[choose.randrange(2)], choose.choice(people)
        fields: dict[str, Any] = dict(
            zip(("country", "province", "district", "neighborhood"), place, strict=True)
        )
        fields |= {"description": choose.choice(WORDS)}
        at = Point(34.5 + choose.uniform(-0.5, 0.5), 69.1 + choose.uniform(-0.5, 0.5))
        if choose.random() < 0.9:
            fields |= {"address_location": {"lat": at.lat, "lng": at.lng}, "is_location": True}
        if who is people[0] and choose.random() < 0.5:
            fields["business_id"] = business
        if kind == "SELL":
            fields["category_id"] = choose.choice(kinds)
            if choose.random() < 0.3:
                fields |= {"free": True, "price": None, "currency": None}
            else:
                fields |= {
                    "price": f"{choose.randrange(1, 9) * 100}.00",
                    "currency": choose.choice(["AFN", "USD"]),
                }
        if kind == "EVENT":
            fields["start_date"] = (TODAY + timedelta(days=choose.randrange(-5, 6))).isoformat()
        post = write(world, who, kind, **fields)
        post["far"] = geo.distance_km(MIDDLE, at) if "is_location" in fields else 10_000.0
        post["sold"] = kind == "SELL" and choose.random() < 0.4
        world.sql("UPDATE posts SET sold = $2, total_likes = $3 WHERE id::text = $1 RETURNING 1",
                  post["id"], post["sold"], choose.randrange(50))  # fmt: skip
        posts.append(post)
    return posts


def day(post: dict[str, Any]) -> date:
    return date.fromisoformat(post["start_date"] or post["created_at"][:10])


def filters(people: list[Person], kinds: list[str], business: str) -> dict[str, Keep]:
    """From a piece of the query to what it lets through."""
    first, one, later = kinds[0], str(people[0].id), TODAY + timedelta(days=2)
    return {
        "type=SELL": lambda p: p["type"] == "SELL",
        "type=EVENT&type=FEED": lambda p: p["type"] in ("EVENT", "FEED"),
        f"category_id={first}": lambda p: p["category_id"] == first,
        "country=AFGHANISTAN": lambda p: True,
        "province=kabul": lambda p: p["province"] == "Kabul",
        "district=karte%20seh": lambda p: p["district"] == "Karte Seh",
        "neighborhood=East": lambda p: p["neighborhood"] == "East",
        "min_price=300": lambda p: p["price"] is not None and float(p["price"]) >= 300,
        "max_price=500.00": lambda p: p["price"] is not None and float(p["price"]) <= 500,
        "currency=afn": lambda p: p["currency"] == "AFN",
        "free=true": lambda p: bool(p["free"]),
        "free=false": lambda p: not p["free"],
        "sold=true": lambda p: bool(p["sold"]),
        "sold=false": lambda p: not p["sold"],
        f"date_from={later}": lambda p: day(p) >= later,
        f"date_to={TODAY}": lambda p: day(p) <= TODAY,
        "q=brea": lambda p: "bread" in p["description"],
        "q=хле": lambda p: "хлеб" in p["description"],
        f"user_id={one}": lambda p: p["user_id"] == one,
        f"business_id={business}": lambda p: p["business_id"] == business,
        NEAR: lambda p: p["far"] <= 40,
    }


ORDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "recent": lambda p: (p["created_at"], p["id"]),
    "nearby": lambda p: (-p["far"], p["id"]),
    "trending": lambda p: 0,
}


def combined(every: dict[str, Keep]) -> Iterator[list[str]]:
    """Each filter alone, each with each other, and many at once."""
    yield from ([one] for one in every)
    yield from map(list, itertools.combinations(every, 2))
    choose = random.Random(3)
    for _ in range(60):
        yield choose.sample(list(every), choose.randrange(3, 7))


@pytest.mark.rule("hamsaya:109", "hamsaya:100", "hamsaya:101", "hamsaya:111")
@pytest.mark.parametrize("sort", ORDERS)
def test_filters_combine_freely(world: World, sort: str) -> None:
    people = [world.person() for _ in range(2)]
    kinds = [str(row["id"]) for row in world.sql("SELECT id FROM sell_categories ORDER BY name LIMIT 2")]
    posts = town(world, people, kinds)
    business = next(post["business_id"] for post in posts if post["business_id"])
    every = filters(people, kinds, business)
    alone = {name: [post for post in posts if keep(post)] for name, keep in every.items()}
    assert all(0 < len(kept) < len(posts) for name, kept in alone.items() if "country" not in name)
    for names in combined(every):
        if same_parameter(names):
            continue
        wanted = [*names, NEAR] if sort == "nearby" and NEAR not in names else names
        expected = [post for post in posts if all(every[name](post) for name in wanted)]
        query = "&".join([f"sort={sort}", "limit=100", *wanted])
        found = [post["id"] for post in world.get(f"{POSTS}?{query}").json()["data"]]
        if sort == "trending":
            assert sorted(found) == sorted(post["id"] for post in expected), query
        else:
            expected.sort(key=ORDERS[sort], reverse=True)
            assert found == [post["id"] for post in expected], query


def same_parameter(names: list[str]) -> bool:
    """Whether a parameter that holds one value is given twice."""
    keys = [name.partition("=")[0] for name in names]
    return len(keys) != len(set(keys))


@pytest.mark.parametrize("sort", [*ORDERS, "relevance"])
def test_a_search_takes_the_same_filters(world: World, sort: str) -> None:
    people = [world.person() for _ in range(2)]
    kinds = [str(row["id"]) for row in world.sql("SELECT id FROM sell_categories ORDER BY name LIMIT 2")]
    posts = town(world, people, kinds)
    business = next(post["business_id"] for post in posts if post["business_id"])
    every = {name: keep for name, keep in filters(people, kinds, business).items() if name[:2] != "q="}
    for name, keep in every.items():
        wanted = {name, NEAR} if sort == "nearby" else {name}
        query = "&".join(["q=bread", f"sort={sort}", "limit=100", *wanted])
        found = [post["id"] for post in world.get(f"/api/v1/search/posts?{query}").json()["data"]]
        expected = [post["id"] for post in posts if "bread" in post["description"] and keep(post)
                    and (sort != "nearby" or post["far"] <= 40)]  # fmt: skip
        assert sorted(found) == sorted(expected), query
