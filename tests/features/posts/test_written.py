"""Lists that are sent as they are hold, to the byte, what the same lists hold as Structs."""

import asyncio
from typing import Any

import msgspec

from majlis.features.browsing import service as browsing
from majlis.features.posts import store
from majlis.features.posts.model import Filter, Post, Sort
from majlis.kit import page
from majlis.kit.geo import Point
from majlis.kit.me import Me
from tests.features.businesses.trading import opened
from tests.features.posts.writing import POSTS, friends, write
from tests.world import Person, World

HERE, HOME = {"lat": 34.53, "lng": 69.17}, {"lat": 34.6, "lng": 69.3}
LISTS: list[tuple[Filter, Sort]] = [
    (Filter(), "recent"),
    (Filter(unmuted=True, muted_words="'nothing'"), "recent"),
    (Filter(near=Point(34.5, 69.2), radius_km=50), "nearby"),
    (Filter(near=Point(34.5, 69.2), radius_km=50), "recent"),
    (Filter(near=Point(34.5, 69.2), radius_km=50), "trending"),
    (Filter(), "trending"),
    (Filter(q="bread"), "relevance"),
    (Filter(type=["SELL"]), "price_asc"),
]


def me(who: Person | None) -> Me:
    return Me.anonymous if who is None else Me(id=who.id)


async def both(world: World, who: Person | None, wanted: Filter, sort: Sort) -> tuple[bytes, bytes]:
    async with world.app.db.read() as tx:
        made = await browsing.listing(tx, me(who), wanted, sort, page.Paging())
    async with world.app.db.read() as tx:
        written = await browsing.written(tx, me(who), wanted, sort, page.Paging())
    return msgspec.json.encode(made.items), msgspec.json.encode(written.items)


async def kinds(world: World, who: Person, posts: list[str]) -> set[type]:
    """As what the posts of a list come: plain ones in pieces."""
    async with world.app.db.read() as tx:
        rows = await tx.records(store.SOME, who.id, posts)
        return {type(one) for one in await store.written_of(tx, who.id, rows, None)}


def test_they_are_the_same_for_everybody(world: World) -> None:
    amina, zahir, laila, omid = (world.person(name) for name in ("Amina", "Zahir", "Laila", "Omid"))
    business = opened(world, amina)
    posts = []
    for kind in ("FEED", "SELL", "EVENT", "PULL"):
        for extra in ({}, {"business_id": business["id"]}, {"is_location": True}):
            fields: dict[str, Any] = {
                "description": 'Bread, "warm" \u0000'.rstrip("\0") + f" {kind}",
                **extra,
            }
            posts.append(write(world, amina, kind, address_location=HERE, user_location=HOME, **fields)["id"])
    assert world.post(f"{POSTS}/{posts[0]}/share", omid, {"text": "see"}).status_code == 201
    write(world, omid, description="bread of a private person", visibility="FRIENDS")
    world.post(f"/api/v1/users/{amina.id}/follow", zahir)
    world.post(f"/api/v1/users/{laila.id}/follow", amina)
    friends(world, omid, zahir)
    for who, every in ((zahir, 2), (laila, 3), (omid, 1)):
        for post in posts[::every]:
            world.post(f"{POSTS}/{post}/like", who)
        for post in posts[:: every + 1]:
            world.post(f"{POSTS}/{post}/bookmark", who)
    world.put("/api/v1/settings/privacy", omid, {"full_name_visibility": "People I follow"})
    for _ in range(2):
        for wanted, sort in LISTS:
            for who in (amina, zahir, laila, omid, None):
                made, written = world.go(both(world, who, wanted, sort))
                assert made != b"[]" and made == written
    assert world.go(kinds(world, amina, posts)) == {Post}, "one's own are never in pieces"
    assert world.go(kinds(world, zahir, posts)) == {tuple, Post}, "else one of the ways was not taken"


def test_readers_at_the_same_moment_get_their_own(world: World) -> None:
    """They share statements; who may see what, and what they like, is still told for each of them."""
    amina, *others = (world.person(f"Reader {number}") for number in range(13))
    posts = [write(world, amina, description=f"bread {number}")["id"] for number in range(6)]
    for number, who in enumerate(others):
        world.post(f"{POSTS}/{posts[number % 6]}/like", who)
        if number % 3 == 0:
            world.post(f"/api/v1/users/{amina.id}/block", who)
        if number % 4 == 1:
            write(world, who, description=f"own {number}", visibility="PRIVATE")

    async def one(who: Person) -> bytes:
        async with world.app.db.read() as tx:
            found = await browsing.written(tx, me(who), Filter(unmuted=True), "recent", page.Paging())
        return msgspec.json.encode(found.items)

    async def together() -> list[bytes]:
        return await asyncio.gather(*(one(who) for who in others))

    alone = [world.go(one(who)) for who in others]
    assert world.go(together()) == alone
    assert len(set(alone)) > 6 and alone[0] == b"[]"
