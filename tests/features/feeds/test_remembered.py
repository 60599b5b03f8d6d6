"""What a process remembers of lists makes them cheaper; it shows nobody what they may not see, and loses nothing."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from majlis.features.browsing import service, store
from majlis.features.browsing.model import EVERY_S
from majlis.features.posts.model import Filter
from majlis.kit import clock, geo
from majlis.kit.geo import Point
from tests.features.feeds.test_feeds import ids, pages
from tests.features.filters.test_muted import mute as mute_word
from tests.features.graph.test_people import suspend
from tests.features.posts.writing import POSTS, block, write
from tests.features.queries import heard
from tests.world import Person, World

TRENDING = f"{POSTS}/trending"
MOMENT = timedelta(seconds=EVERY_S)
NEARBY = f"{POSTS}/nearby?lat=34.5&lng=69.1&radius_km=100"


@pytest.fixture
def now() -> Iterator[datetime]:
    """The clock stands three seconds behind a moment."""
    at = datetime.fromtimestamp(clock.now().timestamp() // EVERY_S * EVERY_S, UTC)
    with clock.frozen(at + timedelta(seconds=3)):
        yield at


def ranked(world: World, who: Person, *likes: int) -> list[str]:
    """Posts with so many likes each, of an age of two hours."""
    found = [write(world, who, description=f"bread {count}")["id"] for count in likes]
    for one, count in zip(found, likes, strict=True):
        liked(world, one, count)
    world.sql(
        "UPDATE posts SET created_at = created_at - interval '2 hours' WHERE id = ANY ($1::uuid[])", found
    )
    return found


def liked(world: World, post: str, count: int) -> None:
    world.sql("UPDATE posts SET total_likes = $2 WHERE id = $1", UUID(post), count)


def scanning(query: str) -> bool:
    """Whether a statement reads the posts of a week."""
    return ("power(" in query and "p.id = ANY" not in query) or "step0" in query


# ---- trending


def test_the_highest_are_asked_for_once_in_a_moment(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(store, "HIGHEST", 4)
    amina, zahir = world.person(), world.person()
    posts = ranked(world, amina, 9, 8, 7, 6, 5, 4)
    for who, size in ((amina, 2), (zahir, 1), (None, 3)):
        with heard(world, scanning) as scans:
            assert ids(world, f"{TRENDING}?limit={size}", who) == posts[:size]
        assert len(scans) == (1 if who is amina else 0)
    with heard(world, scanning) as scans:
        assert ids(world, f"{TRENDING}?limit=4") == posts[:4]
    assert len(scans) == 1, "a page of four and the row behind it need more than four posts"
    with clock.shifted(MOMENT), heard(world, scanning) as scans:
        assert ids(world, f"{TRENDING}?limit=2") == posts[:2]
    assert len(scans) == 1


def test_where_little_is_written_nothing_is_remembered(world: World, now: datetime) -> None:
    amina = world.person()
    posts = ranked(world, amina, 9, 8)
    assert ids(world, TRENDING) == posts
    liked(world, posts[1], 10)
    new = write(world, amina)["id"]
    assert ids(world, TRENDING) == [posts[1], posts[0], new]


def changed(world: World, who: Person, post: str, **fields: Any) -> None:
    assert world.put(f"{POSTS}/{post}", who, fields).status_code == 200


def muted(world: World, who: Person, whom: Person) -> None:
    assert world.post(f"/api/v1/users/{whom.id}/mute", who).status_code < 300


def closed(world: World, who: Person) -> None:
    world.sql("UPDATE profiles SET is_private = true WHERE id = $1", who.id)


# What may happen to a post of Amina's, so that Zahir does not see it any more.
HIDING: dict[str, Callable[[World, Person, Person, str], object]] = {
    "deleted": lambda world, amina, zahir, post: world.delete(f"{POSTS}/{post}", amina),
    "switched off": lambda world, amina, zahir, post: changed(world, amina, post, status=False),
    "private": lambda world, amina, zahir, post: changed(world, amina, post, visibility="PRIVATE"),
    "for friends": lambda world, amina, zahir, post: changed(world, amina, post, visibility="FRIENDS"),
    "of a private account": lambda world, amina, zahir, post: closed(world, amina),
    "of the suspended": lambda world, amina, zahir, post: suspend(world, amina),
    "of whom the reader blocked": lambda world, amina, zahir, post: block(world, zahir, amina),
    "of who blocked the reader": lambda world, amina, zahir, post: block(world, amina, zahir),
    "of whom the reader muted": lambda world, amina, zahir, post: muted(world, zahir, amina),
    "with a word that the reader muted": lambda world, amina, zahir, post: mute_word(world, zahir, "bread"),
}


@pytest.mark.parametrize("act", list(HIDING.values()), ids=list(HIDING))
def test_what_was_hidden_since_is_not_shown(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime, act: Callable[..., object]
) -> None:
    """The page comes out of memory before and after: another's post stays, the hidden one goes at once."""
    monkeypatch.setattr(store, "HIGHEST", 4)
    amina, other, zahir = world.person(), world.person(), world.person()
    hidden = ranked(world, amina, 9)[0]
    shown = [write(world, other, description=text)["id"] for text in ("nan", "rice", "tea")]
    for place, one in enumerate(shown):
        liked(world, one, 3 - place)
    assert ids(world, f"{TRENDING}?limit=2", zahir) == [hidden, shown[0]]
    act(world, amina, zahir, hidden)
    with heard(world, scanning) as scans:
        assert ids(world, f"{TRENDING}?limit=2", zahir) == shown[:2]
    assert not scans, "this page is to come out of memory"
    assert ids(world, TRENDING, zahir) == shown


def test_pages_lead_out_of_memory_without_a_gap(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(store, "HIGHEST", 7)
    monkeypatch.setattr(store, "RANKED", 1)
    posts = ranked(world, world.person(), *range(30, 10, -1))
    with heard(world, scanning) as scans:
        assert pages(world, TRENDING, 2) == posts
    assert len(scans) == 8, "three pages of ten come out of memory, which was asked for once"


@pytest.mark.parametrize("remembered", [6, 400])
def test_what_sinks_or_rises_meanwhile_is_where_it_belongs(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime, remembered: int
) -> None:
    """Page by page, with memory and without, it is what one large page is, which comes from all posts."""
    monkeypatch.setattr(store, "HIGHEST", remembered)
    posts = ranked(world, world.person(), *range(20, 0, -1))
    assert ids(world, f"{TRENDING}?limit=1") == posts[:1]
    sunk, risen = posts[0], posts[4]
    liked(world, sunk, 2)  # behind all that is remembered, and much that is not
    liked(world, risen, 99)
    order = ids(world, f"{TRENDING}?limit=50")
    assert order[0] == risen and order.index(sunk) >= 17
    assert sorted(order) == sorted(posts)
    assert pages(world, TRENDING, 2) == order


def test_what_sank_below_all_that_is_remembered_lets_others_come_first(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(store, "HIGHEST", 4)
    posts = ranked(world, world.person(), 9, 8, 7, 6, 5)
    assert ids(world, f"{TRENDING}?limit=1") == posts[:1]
    liked(world, posts[1], 2)
    liked(world, posts[2], 1)
    order = [posts[place] for place in (0, 3, 4, 1, 2)]
    assert ids(world, f"{TRENDING}?limit=3") == order[:3]
    assert pages(world, TRENDING, 3) == order


def test_a_post_that_sank_between_two_pages_comes_once(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    """One that ranked high when it was remembered, and lower when the first page was read, is on a later page."""
    monkeypatch.setattr(store, "HIGHEST", 8)
    monkeypatch.setattr(store, "RANKED", 1)
    posts = ranked(world, world.person(), *range(20, 10, -1))
    assert ids(world, f"{TRENDING}?limit=1") == posts[:1]
    liked(world, posts[0], 16)
    moved = [*posts[1:4], *sorted([posts[0], posts[4]], reverse=True), *posts[5:]]
    assert pages(world, TRENDING, 2) == moved


@pytest.mark.rule("hamsaya:103", "hamsaya:105")
def test_scores_are_those_of_the_moment_and_of_todays_likes(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(store, "HIGHEST", 3)
    posts = ranked(world, world.person(), 9, 8, 7)
    assert ids(world, f"{TRENDING}?limit=1") == posts[:1]
    liked(world, posts[1], 30)
    with clock.shifted(timedelta(seconds=6)):
        (first,) = world.get(f"{TRENDING}?limit=1").json()["data"]
    written = datetime.fromisoformat(first["created_at"])
    hours = (now - written).total_seconds() / 3600
    assert (first["id"], first["total_likes"]) == (posts[1], 30)
    assert first["trending_score"] == pytest.approx(60 / hours**1.5, abs=2e-6)


def test_what_is_new_comes_with_the_next_moment(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(store, "HIGHEST", 3)
    amina = world.person()
    posts = ranked(world, amina, 9, 8, 7)
    assert ids(world, f"{TRENDING}?limit=1") == posts[:1]
    new = ranked(world, amina, 50)[0]
    assert ids(world, f"{TRENDING}?limit=1") == posts[:1]
    with clock.shifted(MOMENT):
        assert ids(world, f"{TRENDING}?limit=1") == [new]


@pytest.mark.parametrize("query", ["type=FEED", "offset=0", "user_id={}", "radius_km=9&lat=0&lng=0"])
def test_filters_and_offsets_ask_for_everything(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime, query: str
) -> None:
    monkeypatch.setattr(store, "HIGHEST", 3)
    amina = world.person()
    posts = ranked(world, amina, 9, 8, 7)
    assert ids(world, f"{TRENDING}?limit=1") == posts[:1]
    world.sql("UPDATE posts SET user_location = point(0, 0)")
    new = ranked(world, amina, 50)[0]
    world.sql("UPDATE posts SET user_location = point(0, 0)")
    assert ids(world, f"{POSTS}?sort=trending&limit=1&{query.format(amina.id)}") == [new]


def test_who_comes_while_it_is_asked_for_gets_the_moment_before(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(store, "HIGHEST", 2)
    ranked(world, world.person(), 9, 8, 7)
    read = world.app.db.read

    async def together(at: datetime) -> list[tuple[datetime, int, int]]:
        """Of two who come at once: as of when the first gets scores, of how many posts, and by how many queries."""
        async with read() as one, read() as two:
            found = await asyncio.gather(service._ranking(one, at), service._ranking(two, at))
            return [(it.at, len(it.ranks), tx.queries) for it, tx in zip(found, (one, two), strict=True)]

    assert world.go(together(now)) == [(now, 2, 1), (now - MOMENT, 0, 0)]
    assert world.go(together(now)) == [(now, 2, 0), (now, 2, 0)]
    assert world.go(together(now + MOMENT)) == [(now + MOMENT, 2, 1), (now, 2, 0)]
    assert world.go(together(now + 3 * MOMENT)) == [(now + 3 * MOMENT, 2, 1), (now + 2 * MOMENT, 0, 0)]


def test_who_gives_up_asking_leaves_nothing_broken(
    world: World, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(store, "HIGHEST", 2)
    ranked(world, world.person(), 9, 8, 7)

    async def given_up() -> list[tuple[datetime, int]]:
        async with world.app.db.read() as tx:
            asking = asyncio.ensure_future(service._ranking(tx, now))
            await asyncio.sleep(0)
            asking.cancel()
            assert isinstance(
                (await asyncio.gather(asking, return_exceptions=True))[0], asyncio.CancelledError
            )
        async with world.app.db.read() as tx:
            found = [await service._ranking(tx, at) for at in (now, now + MOMENT)]
        return [(one.at, len(one.ranks)) for one in found]

    assert world.go(given_up()) == [(now - MOMENT, 0), (now + MOMENT, 2)]


# ---- nearby


def around(world: World, who: Person, count: int, step: float, start: float = 0.0) -> list[str]:
    """Posts in a row towards the north, nearest first, so many degrees from one to the next."""
    places = [{"lat": 34.5 + start + step * n, "lng": 69.1} for n in range(1, count + 1)]
    return [write(world, who, user_location=place)["id"] for place in places]


def reaching(query: str) -> bool:
    """Whether a statement asks how far a page reaches."""
    return "max(distance)" in query


def test_it_is_asked_once_how_far_a_page_reaches(world: World) -> None:
    posts = around(world, world.person(), 24, 0.002)
    for asked in (1, 0, 0):
        with heard(world, reaching) as statements:
            assert ids(world, f"{NEARBY}&limit=5") == posts[:5]
        assert len(statements) == asked


def test_pages_of_the_nearest_are_whole_however_wrong_the_guess(world: World) -> None:
    amina = world.person()
    dense = around(world, amina, 12, 0.001)
    sparse = around(world, amina, 12, 0.05, start=0.012)
    assert ids(world, f"{NEARBY}&limit=5") == dense[:5]
    assert pages(world, NEARBY, 5) == dense + sparse
    world.sql("UPDATE posts SET deleted_at = now() WHERE id = ANY ($1::uuid[])", dense)
    assert ids(world, f"{NEARBY}&limit=5") == sparse[:5]
    assert pages(world, NEARBY, 5) == sparse
    world.sql("UPDATE posts SET deleted_at = NULL")
    assert ids(world, f"{NEARBY}&limit=5") == dense[:5]
    assert pages(world, NEARBY, 5) == dense + sparse


def test_where_there_is_too_little_nobody_asks_again_how_far(world: World) -> None:
    amina = world.person()
    few = around(world, amina, 3, 0.01)
    for asked in (1, 0):
        with heard(world, reaching) as statements:
            assert ids(world, f"{NEARBY}&limit=5") == few
        assert len(statements) == asked
    more = around(world, amina, 9, 0.0005)
    assert ids(world, f"{NEARBY}&limit=5") == more[:5]
    assert pages(world, NEARBY, 5) == more + few


def test_what_one_person_does_not_read_tells_nothing_about_others(world: World) -> None:
    amina, zahir = world.person(), world.person()
    posts = around(world, amina, 12, 0.002)  # of bread
    mute_word(world, zahir, "bread")
    assert ids(world, f"{NEARBY}&limit=5") == posts[:5]
    assert ids(world, f"{NEARBY}&limit=5", zahir) == []
    with heard(world, reaching) as statements:
        assert ids(world, f"{NEARBY}&limit=5") == posts[:5]
    assert not statements


def test_the_total_of_what_is_near_is_of_the_whole_radius(world: World) -> None:
    posts = around(world, world.person(), 9, 0.002)
    for _ in range(2):
        body = world.get(f"{NEARBY}&limit=2&offset=1").json()
        assert ([post["id"] for post in body["data"]], body["total"]) == (posts[1:3], 9)


def test_what_is_near_is_hidden_at_once(world: World) -> None:
    amina, zahir = world.person(), world.person()
    posts = around(world, amina, 9, 0.002)
    assert ids(world, f"{NEARBY}&limit=5", zahir) == posts[:5]
    changed(world, amina, posts[0], visibility="PRIVATE")
    assert ids(world, f"{NEARBY}&limit=5", zahir) == posts[1:6]
    block(world, amina, zahir)
    assert ids(world, f"{NEARBY}&limit=5", zahir) == []


def read(world: World, sql: Callable[[store.Listing], str], **wanted: Any) -> dict[str, float]:
    """How many rows of each table a statement of what is near reads."""
    built = store.Listing(None, Filter(near=Point(34.5, 69.1), **wanted), "nearby", clock.now())
    text, found = sql(built), dict[str, float]()

    async def plan() -> Any:
        async with world.app.db.read() as tx:
            (row,) = await tx.records(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *built.args)
        return row[0]

    nodes = [one["Plan"] for one in json.loads(bytes(world.go(plan())))]
    for node in nodes:
        table = node.get("Relation Name", "")
        found[table] = found.get(table, 0) + node["Actual Rows"] * node["Actual Loops"]
        nodes += node.get("Plans", ())
    return found


def test_no_more_is_read_than_a_page_needs(world: World) -> None:
    amina = world.person()
    around(world, amina, 24, 0.002)
    write(world, amina, "SELL", user_location={"lat": 34.5, "lng": 69.1})
    assert read(world, lambda built: built.reach_sql(5, 0))["profiles"] == 5
    assert read(world, lambda built: built.reach_sql(9, 0), radius_km=0.5)["posts"] < 9, "too few are held"
    assert read(world, lambda built: built.page_sql(20, 0), type=["SELL"])["posts"] == 1


# ---- distances


@pytest.mark.rule("hamsaya:112")
@pytest.mark.parametrize(
    "one, other",
    [((34.5553, 69.2075), (34.3529, 62.204)), ((0, 179.5), (0, -179.5)), ((90, 0), (-90, 77)), ((34.5, 69.1), (-34.5, -110.9)),
     ((34.5, 69.1), (34.5, 69.1)), ((34.5, 69.1), (34.50001, 69.1))],
)  # fmt: skip
def test_distances_in_postgresql(world: World, one: tuple[float, float], other: tuple[float, float]) -> None:
    (row,) = world.sql(
        "SELECT distance_km(point($2, $1), point($4, $3)) AS km, distance_km(NULL, point($2, $1)) AS none",
        *one,
        *other,
    )
    assert row["none"] is None
    assert row["km"] == pytest.approx(geo.distance_km(Point(*one), Point(*other)), rel=1e-7, abs=1e-9)


def test_distances_of_columns_are_part_of_the_statement(world: World) -> None:
    """A function that PostgreSQL has to call costs ten times as much."""
    plan = world.sql("EXPLAIN VERBOSE SELECT distance_km(location, point(0, 0)) FROM profiles")
    assert not [line for row in plan for line in row.values() if "distance_km" in line]
