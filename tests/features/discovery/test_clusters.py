"""Clusters: what they count, for whom, and that the counts stay true whatever happens to posts."""

import asyncio
import math
import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from majlis.features.discovery import handlers, model, service, store
from majlis.features.discovery.model import Area
from majlis.kit.geo import Box, Point
from majlis.kit.me import Me
from tests.features.discovery.mapping import KABUL, WORLD, drawn, fold, ids, mapped, marked, shop
from tests.features.posts.writing import block, category, friends
from tests.waiting import until_waiting
from tests.world import Person, World

AROUND = "min_lat=34.0&min_lng=68.5&max_lat=35.0&max_lng=69.9"


def counts(found: dict[str, Any]) -> tuple[int, int]:
    """Posts and businesses of a map, alone and in clusters."""
    single = [marker["kind"] for marker in found["data"]]
    return (
        single.count("post") + sum(cluster["posts"] for cluster in found["clusters"]),
        single.count("business") + sum(cluster["businesses"] for cluster in found["clusters"]),
    )


def test_what_lies_close_is_one_cluster(world: World) -> None:
    amina = world.person()
    for n in range(4):
        mapped(world, amina, 34.53 + n / 10_000, 69.17)
    shop(world, amina, 34.5305, 69.17)
    alone = mapped(world, amina, 34.20, 69.60)
    found = drawn(world, f"{AROUND}&zoom=11")
    (cluster,) = found["clusters"]
    assert (cluster["count"], cluster["posts"], cluster["businesses"]) == (5, 4, 1)
    assert cluster["location"]["lat"] == pytest.approx(34.53022)
    assert cluster["location"]["lng"] == pytest.approx(69.17)
    bounds = cluster["bounds"]
    assert bounds["min_lat"] <= 34.53 and bounds["max_lat"] >= 34.5305
    assert bounds["min_lng"] <= 69.17 <= bounds["max_lng"]
    assert ids(found["data"]) == [alone["id"]] and not found["truncated"]
    assert drawn(world, f"{AROUND}&zoom=2")["clusters"][0]["count"] == 6
    assert len(marked(world, f"{AROUND}&zoom=17")) == 6


def test_what_lies_at_one_place_comes_apart_when_close(world: World) -> None:
    amina = world.person()
    posts = [mapped(world, amina, *KABUL)["id"] for _ in range(3)]
    assert [cluster["count"] for cluster in drawn(world, f"{AROUND}&zoom=16")["clusters"]] == [3]
    assert set(marked(world, f"{AROUND}&zoom=17")) == set(posts)


@pytest.mark.parametrize("folded", [True, False])
def test_clusters_count_by_type_and_category(world: World, folded: bool) -> None:
    amina = world.person()
    other = world.sql("SELECT id FROM sell_categories ORDER BY name DESC LIMIT 1")[0]["id"]
    for kind, count in (("FEED", 2), ("EVENT", 3), ("SELL", 4)):
        for _ in range(count):
            mapped(world, amina, *KABUL, kind)
    for _ in range(2):
        mapped(world, amina, *KABUL, "SELL", category_id=str(other))
    if folded:
        assert fold(world) == 11
    for query, expected in {
        "": 11, "&type=FEED": 2, "&type=EVENT&type=FEED": 5, "&type=SELL": 6,
        f"&category_id={category(world)}": 4, f"&type=SELL&category_id={other}": 2,
    }.items():  # fmt: skip
        (cluster,) = drawn(world, f"{AROUND}&zoom=9{query}")["clusters"]
        assert cluster["posts"] == expected, query


def test_counts_follow_whatever_happens_to_posts(world: World) -> None:
    """Folded at some of the steps only: the sum is the same wherever a change waits."""
    amina = world.person()
    posts = [mapped(world, amina, *KABUL)["id"] for _ in range(5)]
    steps = {
        f"DELETE /api/v1/posts/{posts[0]}": 4,
        f"PUT /api/v1/posts/{posts[1]} is_location=false": 3,
        f"PUT /api/v1/posts/{posts[2]} visibility=PRIVATE": 2,
        f"PUT /api/v1/posts/{posts[1]} is_location=true": 3,
        f"PUT /api/v1/posts/{posts[2]} visibility=PUBLIC": 4,
        f"PUT /api/v1/posts/{posts[3]} status=false": 3,
        f"PUT /api/v1/posts/{posts[3]} status=true": 4,
    }
    for at, (step, expected) in enumerate(steps.items()):
        method, path, *change = step.split()
        if method == "DELETE":
            assert world.delete(path, amina).status_code == 204
        else:
            name, _, value = change[0].partition("=")
            values = {"true": True, "false": False}
            assert world.put(path, amina, {name: values.get(value, value)}).status_code == 200
        if at % 2:
            fold(world)
        assert counts(drawn(world, f"{AROUND}&zoom=8"))[0] == expected, step
    moved = world.put(f"/api/v1/posts/{posts[1]}", amina, {"address_location": {"lat": 34.1, "lng": 69.8}})
    assert moved.status_code == 200
    found = drawn(world, f"{AROUND}&zoom=9")
    assert ids(found["data"]) == [posts[1]] and [c["count"] for c in found["clusters"]] == [3]
    world.sql("DELETE FROM users WHERE id = $1 RETURNING 1", amina.id)
    fold(world)
    assert counts(drawn(world, f"{AROUND}&zoom=9")) == (0, 0)
    assert world.sql("SELECT * FROM map_cells") == world.sql("SELECT * FROM map_points") == []


def test_liking_a_post_does_not_touch_the_map(world: World) -> None:
    amina, bilal = world.person(), world.person()
    post = mapped(world, amina, *KABUL)
    fold(world)
    world.post(f"/api/v1/posts/{post['id']}/like", bilal)
    assert world.sql("SELECT * FROM map_changes") == []


@pytest.mark.rule("hamsaya:89", "hamsaya:115", "hamsaya:149")
@pytest.mark.parametrize("seed, looked_at", [(1, store.MOST_UNREAD), (2, 25), (2, 20)])
def test_at_every_zoom_there_is_as_much_as_the_viewer_sees(
    world: World, seed: int, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random posts of random people: clusters and markers together hold exactly what single markers do.

    What the viewer mutes is found by the places of posts, and where there are more than are looked at by their words.
    """
    monkeypatch.setattr(store, "MOST_UNREAD", looked_at)
    choose = random.Random(seed)
    people = [world.person() for _ in range(6)]
    viewer, friend, private, blocked, muted, suspended = people
    friends(world, viewer, friend)
    friends(world, viewer, private)
    block(world, blocked, viewer)
    world.post(f"/api/v1/users/{muted.id}/mute", viewer)
    world.post("/api/v1/users/me/muted-words", viewer, {"word": "football"})
    for _ in range(60):
        lat, lng = 34.0 + choose.random(), 68.5 + 1.4 * choose.random()
        if choose.random() < 0.5:
            lat, lng = choose.gauss(34.53, 0.01), choose.gauss(69.17, 0.01)
        mapped(
            world, choose.choice(people), lat, lng, choose.choice(["FEED", "EVENT", "SELL"]),
            visibility=choose.choice(["PUBLIC", "PUBLIC", "FRIENDS", "PRIVATE"]), status=choose.random() < 0.9,
            description=choose.choice(["kites", "bread", "football!"]),
        )  # fmt: skip
    for _ in range(10):
        shop(world, choose.choice(people), 34.0 + choose.random(), 68.5 + 1.4 * choose.random())
    fold(world)
    world.sql("UPDATE profiles SET is_private = true WHERE id = $1 RETURNING 1", private.id)
    world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING 1", suspended.id)
    viewers: list[Person | None] = [viewer, friend, private, blocked, muted, None]
    unread = world.sql("SELECT id FROM posts WHERE description = 'football!' AND user_id <> $1", viewer.id)
    assert 10 < len(unread) < 25
    for who in viewers:
        single = drawn(world, f"{AROUND}&limit=500", who)
        assert who != viewer or not {str(row["id"]) for row in unread} & set(ids(single["data"]))
        assert not single["truncated"] and len(single["data"]) > 10
        for zoom in range(19):
            found = drawn(world, f"{AROUND}&limit=500&zoom={zoom}", who)
            assert counts(found) == counts(single), (who, zoom)
            assert set(ids(found["data"])) <= set(ids(single["data"]))
            for cluster in found["clusters"]:
                held = [m for m in single["data"] if within(cluster["bounds"], m["location"])]
                assert len(held) == cluster["count"] > 1
                assert cluster["location"]["lat"] == pytest.approx(mean(held, "lat"))
                assert cluster["location"]["lng"] == pytest.approx(mean(held, "lng"))


def test_hidden_posts_hide_no_muted_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many posts that only their author sees stand where a viewer looks."""
    monkeypatch.setattr(store, "MOST_UNREAD", 5)
    amina, bilal = world.person(), world.person()
    world.post("/api/v1/users/me/muted-words", bilal, {"word": "football"})
    for _ in range(8):
        mapped(world, amina, *KABUL, visibility="PRIVATE")
    for words in ("kites", "football", "bread"):
        mapped(world, amina, *KABUL, description=words)
    assert counts(drawn(world, f"{AROUND}&zoom=9")) == (3, 0)
    assert counts(drawn(world, f"{AROUND}&zoom=9", bilal)) == (2, 0)


def within(bounds: dict[str, float], place: dict[str, float]) -> bool:
    return (
        bounds["min_lat"] < place["lat"] <= bounds["max_lat"]
        and bounds["min_lng"] <= place["lng"] < bounds["max_lng"]
    )


def mean(markers: list[dict[str, Any]], side: str) -> float:
    return math.fsum(marker["location"][side] for marker in markers) / len(markers)


def test_there_are_no_more_than_the_limit(world: World) -> None:
    amina = world.person()
    for n in range(12):
        for _ in range(2):
            mapped(world, amina, 34.05 + 0.08 * n, 68.55 + 0.1 * n)
    many = drawn(world, f"{AROUND}&zoom=10")
    assert len(many["clusters"]) == 12
    few = drawn(world, f"{AROUND}&zoom=10&limit=5")
    assert len(few["clusters"]) <= 5 and counts(few) == (24, 0) and not few["truncated"]
    mapped(world, amina, -60, -100)
    one = drawn(world, f"{WORLD}&zoom=10&limit=1")
    assert (len(one["clusters"]), len(one["data"]), one["truncated"]) == (1, 0, True)


@pytest.mark.parametrize("zoom", [0, 1, 5, 16])
def test_the_whole_world_counts_once(world: World, zoom: int) -> None:
    amina = world.person()
    for lat, lng in ((0, 180), (0, -180), (89, 10), (-89, 10), (90, 0), (-90, 0), (5, 9.999), (5, 10)):
        mapped(world, amina, lat, lng)
    fold(world)
    for box in (WORLD, "min_lat=-90&min_lng=10&max_lat=90&max_lng=9.9999"):
        assert counts(drawn(world, f"{box}&zoom={zoom}&limit=500"))[0] >= 7, box
    assert counts(drawn(world, f"{WORLD}&zoom={zoom}")) == (8, 0)


LAT = st.floats(-90, 90, allow_nan=False)
LNG = st.floats(-180, 180, allow_nan=False)


@given(lat=LAT, lng=LNG, level=st.sampled_from(range(2, 19, 2)))
def test_a_place_lies_in_its_square(lat: float, lng: float, level: int) -> None:
    shift = model.DEEPEST - level
    bounds = model.square(level, model.column(lng) >> shift, model.row(lat) >> shift)
    near = 1e-9
    assert bounds.min_lat - near <= lat <= bounds.max_lat + near
    assert bounds.min_lng - near <= lng <= bounds.max_lng + near


@given(
    south=LAT,
    north=LAT,
    west=LNG,
    east=LNG,
    zoom=st.integers(0, 22),
    most=st.integers(16, 2000),
    at=st.data(),
)
def test_a_window_covers_its_area_with_few_squares(
    south: float, north: float, west: float, east: float, zoom: int, most: int, at: st.DataObject
) -> None:
    south, north = min(south, north), max(south, north)
    boxes = [Box(south, west, north, east)]
    if west > east:
        boxes = [Box(south, west, north, 180.0), Box(south, -180.0, north, east)]
    window = model.window_of(Area(boxes, Point(0, 0)), zoom, most)
    assert window.squares <= most
    box = at.draw(st.sampled_from(boxes))
    x = model.column(at.draw(st.floats(box.west, box.east)))
    y = model.row(at.draw(st.floats(box.south, box.north)))
    assert window.north <= y <= window.south
    # In one span, never in two: what lies in both would count twice.
    assert sum(a <= x <= b for a, b in zip(window.wests, window.easts, strict=True)) == 1


def test_the_grid_is_the_same_in_both_languages(world: World) -> None:
    choose = random.Random(5)
    places = [(choose.uniform(-90, 90), choose.uniform(-180, 180)) for _ in range(200)]
    places += [(0, 0), (90, 180), (-90, -180), (85.06, 179.999999), (-85.06, 0)]
    rows = world.sql(
        "SELECT map_x(point(lng, lat)) AS x, map_y(point(lng, lat)) AS y"
        " FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS place (lat, lng, n) ORDER BY n",
        [lat for lat, _ in places],
        [lng for _, lng in places],
    )
    assert [(row["x"], row["y"]) for row in rows] == [
        (model.column(lng), model.row(lat)) for lat, lng in places
    ]


def test_the_schedules_fold_and_mend(clone: World) -> None:
    amina = clone.person()
    mapped(clone, amina, *KABUL)
    clone.go(handlers.fold(clone.app))
    assert clone.sql("SELECT count(*) AS n FROM map_cells") == [{"n": 9}]
    assert clone.sql("SELECT * FROM map_changes") == []
    clone.sql("DELETE FROM map_points RETURNING 1")
    assert counts(drawn(clone, f"{AROUND}&zoom=8")) == (0, 0)
    clone.go(handlers.mend(clone.app))
    assert counts(drawn(clone, f"{AROUND}&zoom=8")) == (1, 0)
    clone.go(handlers.fold(clone.app))
    assert clone.sql("SELECT level FROM map_cells WHERE posts <> 1") == []


@pytest.mark.parametrize("guarded", [True, False])
def test_a_post_counts_once_whoever_counts_it(clone: World, guarded: bool) -> None:
    """Two count the same missing post at once. Without the key on posts, the control, it counts twice."""
    mapped(clone, clone.person(), *KABUL)
    clone.sql("DELETE FROM map_points RETURNING 1")
    if not guarded:
        clone.go(_execute(clone, "ALTER TABLE map_points DROP CONSTRAINT map_points_pkey"))

    async def race() -> list[int]:
        async with clone.app.db.tx() as first:
            mine = await service.mend(first, Me.system)
            other = asyncio.create_task(_mend(clone))
            if guarded:
                await until_waiting(clone, 1, other)
            else:
                await other
        return [mine, await other]

    assert clone.go(race()) == ([1, 0] if guarded else [1, 1])
    assert counts(drawn(clone, f"{AROUND}&zoom=8")) == ((1, 0) if guarded else (2, 0))


async def _mend(world: World) -> int:
    async with world.app.db.tx() as tx:
        return await service.mend(tx, Me.system)


async def _execute(world: World, sql: str) -> None:
    async with world.app.db.tx() as tx:
        await tx.run(sql)


def test_posts_that_come_and_go_at_once_are_counted(clone: World) -> None:
    """Writers, deleters and folders at the same time; nobody waits for another's squares."""
    amina = clone.person()
    doomed = [mapped(clone, amina, *KABUL)["id"] for _ in range(10)]

    async def act() -> None:
        body = {
            "type": "FEED", "description": "x", "is_location": True, "address_location": {"lat": 34.53, "lng": 69.17},
        }  # fmt: skip
        write = [clone.http.post("/api/v1/posts", json=body, headers=amina.auth) for _ in range(15)]
        drop = [clone.http.delete(f"/api/v1/posts/{post}", headers=amina.auth) for post in doomed]
        folds = [handlers.fold(clone.app) for _ in range(5)]
        for answer in await asyncio.gather(*write, *drop, *folds):
            assert answer is None or answer.status_code in (201, 204)

    clone.go(act())
    for _ in range(2):
        assert counts(drawn(clone, f"{AROUND}&zoom=8")) == (15, 0)
        clone.go(handlers.fold(clone.app))
    assert clone.sql("SELECT DISTINCT posts FROM map_cells") == [{"posts": 15}]


def test_folding_leaves_to_another_what_another_folds(clone: World) -> None:
    mapped(clone, clone.person(), *KABUL)

    async def both() -> list[int]:
        async with clone.app.db.tx() as first:
            mine = await service.fold(first, Me.system)
            async with clone.app.db.tx() as second:
                return [mine, await service.fold(second, Me.system)]

    assert clone.go(both()) == [1, 0]
    assert counts(drawn(clone, f"{AROUND}&zoom=8")) == (1, 0)


def test_old_posts_are_on_the_map_too(world: World) -> None:
    post = mapped(world, world.person(), *KABUL)
    world.sql(
        "UPDATE posts SET created_at = created_at - $2::interval WHERE id::text = $1 RETURNING 1",
        post["id"],
        timedelta(days=900),
    )
    assert marked(world, f"{AROUND}&zoom=9") == [post["id"]]
