"""Metadata and hashtags of posts, whichever door they come by."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from majlis.features.labels import handlers, service, store
from majlis.features.labels.model import hashtags
from majlis.features.posts import service as posts
from majlis.features.posts.model import PostCreate, PostUpdate
from majlis.kit import clock
from majlis.kit.errors import Invalid
from majlis.kit.me import Me
from tests.features.posts.writing import POSTS, write
from tests.waiting import behind, until_waiting
from tests.world import Person, World

DAY = timedelta(days=1)


def tags(world: World, post_id: str) -> list[str]:
    rows = world.sql("SELECT tag FROM post_hashtags WHERE post_id::text = $1 ORDER BY position", post_id)
    return [row["tag"] for row in rows]


def trending(world: World, limit: int = 10) -> list[tuple[str, int]]:
    async def run() -> list[tuple[str, int]]:
        async with world.app.db.read() as tx:
            return [(one.tag, one.posts) for one in await service.trending(tx, Me.anonymous, limit)]

    return world.go(run())


def say(world: World, who: Person, text: str, **fields: Any) -> str:
    made = write(world, who, description=text, **fields)
    world.drain()
    return str(made["id"])


@pytest.mark.rule("x18:D8", "x18:R25")
@pytest.mark.parametrize(
    "text, found",
    [
        ("#bitcoin", ["bitcoin"]),
        ("no tag", []),
        ("#", []),
        ("# bitcoin", []),
        ("##two", ["two"]),
        ("#one#two", ["one", "two"]),
        ("#One #ONE #one", ["one"]),
        ("(#a),#b.#c!#d-e", ["a", "b", "c", "d"]),
        ("#123 #_ #1a #_b", ["1a", "_b"]),
        ("#" + "x" * 100 + " #" + "y" * 101, ["x" * 100]),
        ("#کابل و #پښتو، #هرات_زیبا", ["کابل", "پښتو", "هرات_زیبا"]),
        ("#Москва #ЁЛКА", ["москва", "ёлка"]),
        ("#አዲስአበባ", ["አዲስአበባ"]),
        ("#हिन्दी #தமிழ்", ["हिन्दी", "தமிழ்"]),
        ("#مُحَمَّد", ["مُحَمَّد"]),
        ("#می\u200cخواهم", ["میخواهم"]),
        ("#caf\u00e9 #cafe\u0301", ["caf\u00e9"]),
        ("#\u0301a #\u200ca", []),
        ("#日本語 #١٢٣ا", ["日本語", "١٢٣ا"]),
        ("#1\ufe0f\u20e3 #love\u2764", ["love"]),
        ("https://example.org/#place and HTTP://x.y/a#b but #c", ["c"]),
    ],
)
def test_hashtags_of_a_text(text: str, found: list[str]) -> None:
    assert hashtags(text) == found


@pytest.mark.rule("x18:D8")
def test_tags_are_there_as_soon_as_the_post_is(world: World) -> None:
    """In the transaction that posts, and gone with it when it fails."""
    amina = world.person()

    async def publish(fail: bool) -> UUID:
        async with world.app.db.tx() as tx:
            body = PostCreate(type="FEED", description="#Now #now #then")
            made = await service.publish(tx, amina.me, body, {"tags": ["X"]})
            if fail:
                raise LookupError("the request fails")
        return made.id

    with pytest.raises(LookupError):
        world.go(publish(True))
    assert (
        world.sql(
            "SELECT 1 FROM posts UNION ALL SELECT 1 FROM post_hashtags UNION ALL SELECT 1 FROM hashtags"
        )
        == []
    )
    assert tags(world, str(world.go(publish(False)))) == ["now", "then"]
    assert trending(world) == [("now", 1), ("then", 1)]
    world.drain()
    assert trending(world) == [("now", 1), ("then", 1)]
    assert world.sql("SELECT tags FROM post_labels") == [{"tags": ["now", "then", "x"]}]


def test_metadata_that_is_too_large_is_refused(world: World) -> None:
    amina = world.person()

    async def publish() -> None:
        async with world.app.db.tx() as tx:
            await service.publish(tx, amina.me, PostCreate(type="FEED", description="x"), {"a": "b" * 16384})

    with pytest.raises(Invalid) as refused:
        world.go(publish())
    assert [fault.field for fault in refused.value.fields] == ["metadata"]


@pytest.mark.rule("x18:R25")
def test_posts_of_other_doors_are_followed(world: World) -> None:
    amina = world.person()
    made = say(world, amina, "Bread #naan #herat", title="#Title")
    assert tags(world, made) == ["title", "naan", "herat"]
    world.put(f"{POSTS}/{made}", amina, {"title": None, "description": "Tea #herat #چای"})
    world.drain()
    assert tags(world, made) == ["herat", "چای"]
    assert trending(world) == [("herat", 1), ("چای", 1)]
    world.put(f"{POSTS}/{made}", amina, {"description": "Nothing"})
    world.drain()
    assert tags(world, made) == [] and trending(world) == []
    assert world.sql("SELECT 1 FROM post_labels") == []
    other = say(world, amina, "#again")
    world.delete(f"{POSTS}/{other}", amina)
    world.drain()
    assert tags(world, other) == [] and trending(world) == []
    assert world.sql("SELECT sum(posts)::int AS posts, sum(recent)::int AS recent FROM hashtags") == [
        {"posts": 0, "recent": 0}
    ]


def test_an_edit_keeps_the_metadata(world: World) -> None:
    amina = world.person()

    async def publish() -> UUID:
        async with world.app.db.tx() as tx:
            body = PostCreate(type="FEED", description="#one")
            return (await service.publish(tx, amina.me, body, {"price": 1.5, "tags": ["DeFi"]})).id

    made = world.go(publish())
    world.put(f"{POSTS}/{made}", amina, {"description": "#two"})
    world.drain()
    kept = world.sql("SELECT metadata, tags FROM post_labels")
    assert kept == [{"metadata": {"price": 1.5, "tags": ["DeFi"]}, "tags": ["two", "defi"]}]


def test_tags_of_what_not_everybody_sees_do_not_trend(world: World) -> None:
    amina, bilal = world.person(), world.person()
    for visibility in ("FRIENDS", "PRIVATE"):
        say(world, amina, "#secret", visibility=visibility)
    say(world, amina, "#secret", status=False)
    assert write(world, amina, "EVENT", title="#event") and world.drain() and trending(world) == []
    opened = say(world, amina, "#open", visibility="PRIVATE")
    assert trending(world) == []
    world.put(f"{POSTS}/{opened}", amina, {"visibility": "PUBLIC"})
    world.drain()
    say(world, bilal, "#bilal")
    assert trending(world) == [("bilal", 1), ("open", 1)]
    for change in ("is_private", "suspended"):
        world.sql(f"UPDATE profiles SET {change} = true WHERE id = $1 RETURNING 1", bilal.id)
        world.go(handlers.sweep(world.app))
        assert trending(world) == [("open", 1)]
        world.sql(f"UPDATE profiles SET {change} = false WHERE id = $1 RETURNING 1", bilal.id)
        world.go(handlers.sweep(world.app))
        assert trending(world) == [("bilal", 1), ("open", 1)]


@pytest.mark.rule("x18:R25")
def test_tags_trend_for_seven_days(world: World) -> None:
    amina = world.person()
    for days, text in ((8, "#old #both"), (6, "#week #both"), (0, "#both #both")):
        with clock.shifted(-days * DAY):
            say(world, amina, text)
    wanted = [("both", 2), ("week", 1)]
    assert trending(world) == wanted
    kept = """SELECT count(*) AS hours, sum(posts)::int AS posts,
      (SELECT sum(recent)::int FROM hashtags) AS recent FROM hashtag_hours"""
    assert world.sql(kept) == [{"hours": 3, "recent": 3, "posts": 3}]
    with clock.shifted(2 * DAY):
        assert trending(world) == [("both", 1)]  # before anything is cleared away
        world.go(handlers.sweep(world.app))
        assert trending(world) == [("both", 1)]
    assert world.sql(kept) == [{"hours": 1, "recent": 1, "posts": 1}]
    assert world.sql("SELECT posts FROM hashtags WHERE tag = 'both'") == [{"posts": 3}]


def test_what_is_cleared_away_is_not_taken_twice(world: World) -> None:
    amina = world.person()
    with clock.shifted(-6 * DAY):
        made = say(world, amina, "#once")
    with clock.shifted(2 * DAY):
        world.go(handlers.sweep(world.app))
    world.delete(f"{POSTS}/{made}", amina)
    world.drain()
    assert world.sql("SELECT posts, recent FROM hashtags") == [{"posts": 0, "recent": 0}]


def test_a_word_that_nobody_says_any_more_is_forgotten(world: World) -> None:
    amina = world.person()
    made = say(world, amina, "#regretted #kept")
    say(world, amina, "#kept")
    world.delete(f"{POSTS}/{made}", amina)
    world.drain()
    world.go(handlers.sweep(world.app))
    for table in ("hashtags", "hashtag_hours"):
        assert world.sql(f"SELECT tag, posts FROM {table}") == [{"tag": "kept", "posts": 1}]
    say(world, amina, "#regretted")
    assert trending(world) == [("kept", 1), ("regretted", 1)]


def test_trending_reads_no_posts(world: World) -> None:
    """Nor their tags: only what is kept of each tag, and hours that are over."""
    plan = world.sql(f"EXPLAIN {_trending_sql()}")
    text = "\n".join(str(row["QUERY PLAN"]) for row in plan)
    assert "hashtags" in text and "post_hashtags" not in text and "posts_" not in text


def _trending_sql() -> str:
    from majlis.features.labels import store

    return store.TRENDING.sql.replace("$1", "now()").replace("$2", "10")


# ---- at once


def race(world: World, texts: list[str]) -> None:
    """Posts at once by different people, while somebody holds the tag: all of them count at the same moment."""
    people = [world.person() for _ in texts]
    say(world, people[0], "#a #b")

    async def together() -> None:
        async def publish(who: Person, text: str) -> None:
            async with world.app.db.tx() as tx:
                await service.publish(tx, who.me, PostCreate(type="FEED", description=text), {})

        async with world.app.db.tx() as tx:
            await tx.records("SELECT 1 FROM hashtags WHERE tag = 'a' FOR UPDATE")
            work = [asyncio.ensure_future(publish(*one)) for one in zip(people, texts, strict=True)]
            await until_waiting(world, len(work), *work)
        await asyncio.gather(*work)

    world.go(together())


def test_tags_at_once_count_exactly_in_whatever_order_they_are_written(clone: World) -> None:
    race(clone, ["#a #b", "#b #a", "#a #b #a", "#b #a"])
    assert trending(clone) == [("a", 5), ("b", 5)]
    real = clone.sql("SELECT tag, count(*) AS n FROM post_hashtags GROUP BY tag ORDER BY tag")
    assert real == [{"tag": "a", "n": 5}, {"tag": "b", "n": 5}]


def test_without_the_trigger_the_counts_would_be_wrong(clone: World) -> None:
    """The control: what is counted is what the trigger saw."""
    say(clone, clone.person(), "#a #b")
    clone.sql("ALTER TABLE post_hashtags DISABLE TRIGGER post_hashtags_count")
    say(clone, clone.person(), "#a #b")
    assert trending(clone) == [("a", 1), ("b", 1)]


def test_whoever_follows_a_post_waits_for_what_is_being_written(clone: World) -> None:
    """Else a slow one would write the tags of yesterday's text over those of today's."""
    amina = clone.person()
    made = UUID(write(clone, amina, description="#old")["id"])

    async def together() -> None:
        async def follow() -> None:
            async with clone.app.db.tx() as tx:
                await service.follow(tx, Me.system, made)

        async with clone.app.db.tx() as tx:
            await tx.records("UPDATE posts SET description = '#new' WHERE id = $1 RETURNING 1", made)
            work = [asyncio.ensure_future(follow()) for _ in range(2)]
            await until_waiting(clone, 2, *work)
        await asyncio.gather(*work)

    clone.go(together())
    assert tags(clone, str(made)) == ["new"] and trending(clone) == [("new", 1)]


def _swap(world: World) -> None:
    """The tags of two posts follow texts that were swapped, while somebody holds the tag that the first one had."""
    made = [
        (who, UUID(say(world, who, text))) for who, text in ((world.person(), "#a"), (world.person(), "#b"))
    ]

    async def follow(post_id: UUID) -> None:
        async with world.app.db.tx() as tx:
            await service.follow(tx, Me.system, post_id)

    async def run() -> None:
        async with world.app.db.tx() as tx:
            for (who, post_id), text in zip(made, ("#b #c #new", "#a #new #c"), strict=True):
                await posts.update(tx, who.me, post_id, PostUpdate(description=text), None)
        holding = "SELECT 1 FROM hashtags WHERE tag = 'a' FOR UPDATE"
        await behind(world, holding, *(follow(post_id) for _, post_id in made))

    world.go(run())
    assert [tags(world, str(post_id)) for _, post_id in made] == [["b", "c", "new"], ["a", "new", "c"]]
    assert trending(world) == [("c", 2), ("new", 2), ("a", 1), ("b", 1)]


def test_two_posts_swap_their_tags_at_once(clone: World) -> None:
    _swap(clone)
    kept = "SELECT tag, posts, recent FROM hashtags ORDER BY tag"
    assert [tuple(row.values()) for row in clone.sql(kept)] == [
        ("a", 1, 1),
        ("b", 1, 1),
        ("c", 2, 2),
        ("new", 2, 2),
    ]


def test_control_where_old_tags_are_let_go_first_they_deadlock(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = "DELETE" + store.UNTAG.partition("DELETE")[2] + " AND $3::boolean IS NOT NULL"
    monkeypatch.setattr(store, "UNTAG", bare)
    with pytest.raises(asyncpg.DeadlockDetectedError):
        _swap(clone)


def test_tags_that_nobody_may_see_are_not_made(world: World) -> None:
    made = write(world, world.person(), description="#hidden", visibility="PRIVATE")
    world.drain()
    assert tags(world, made["id"]) == ["hidden"]
    assert world.sql("SELECT tag FROM hashtags WHERE tag = 'hidden'") == []
