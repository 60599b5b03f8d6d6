"""Several people write at once."""

import asyncio
import re
from typing import Any

import asyncpg
import pytest

from majlis.features.articles import service as articles
from majlis.features.articles import store
from majlis.features.articles.model import Article, Change, New, Stale
from majlis.kit.me import Me
from tests.waiting import until_waiting
from tests.world import World

NEW = New(title="Bread at six", content="The oven is hot from four.", status="published")


async def create(world: World, me: Me) -> Article:
    async with world.app.db.tx() as tx:
        return await articles.create(tx, me, NEW)


async def change(world: World, me: Me, article: Article, **fields: Any) -> Article:
    async with world.app.db.tx() as tx:
        return await articles.update(tx, me, article.id, Change(**fields))


@pytest.mark.rule("starter:D2")
def test_two_who_want_a_slug_at_once_both_get_one(clone: World) -> None:
    amina, karim = clone.person(), clone.person()

    async def race() -> tuple[Article, Article]:
        async with clone.app.db.tx() as tx:
            first = await articles.create(tx, amina.me, NEW)
            second = asyncio.ensure_future(create(clone, karim.me))
            await until_waiting(clone, 1, second)  # for the slug, which nobody else can see yet
        return first, await second

    first, second = clone.go(race())
    assert first.slug == "bread-at-six"
    assert re.fullmatch(r"bread-at-six-\d{10}", second.slug)


def test_without_trying_again_the_second_would_fail(clone: World) -> None:
    """The control: what refuses the slug is the index, whatever was looked up before."""
    amina = clone.person()
    clone.go(create(clone, amina.me))

    async def insert() -> None:
        async with clone.app.db.tx() as tx:
            await tx.run("INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM articles LIMIT 1")

    with pytest.raises(asyncpg.UniqueViolationError):
        clone.go(insert())


@pytest.mark.rule("starter:R33", "starter:D5")
@pytest.mark.parametrize("version", [1, None])
def test_of_two_who_change_the_same_version_one_is_refused(clone: World, version: int | None) -> None:
    """The control is without a version: then the later one wins, as it asked for nothing else."""
    amina = clone.person()
    made = clone.go(create(clone, amina.me))
    given = {} if version is None else {"version": version}

    async def race() -> Article:
        async with clone.app.db.tx() as tx:
            await articles.update(tx, amina.me, made.id, Change(title="Bread at seven", **given))
            second = asyncio.ensure_future(change(clone, amina.me, made, title="Bread at eight", **given))
            await until_waiting(clone, 1, second)
        return await second

    if version is None:
        assert clone.go(race()).title == "Bread at eight"
    else:
        with pytest.raises(Stale):
            clone.go(race())
        assert clone.sql("SELECT title, version FROM articles") == [{"title": "Bread at seven", "version": 2}]


@pytest.mark.rule("starter:D4")
def test_processes_that_write_views_at_once_add_them_up(clone: World) -> None:
    amina = clone.person()
    made = [clone.go(create(clone, amina.me)).id for _ in range(2)]

    async def race() -> None:
        async with clone.app.db.tx() as tx:
            await tx.run(store.COUNT_VIEWS, made, [1, 2])
            views = articles.Views(clone.app)
            for one in (made[1], made[0], made[0]):
                views.count(one)
            other = asyncio.ensure_future(views.write())
            await until_waiting(clone, 1, other)
            views.count(made[1])  # while the others are on their way
            assert (views.held(made[0]), views.held(made[1])) == (2, 2)
        await other
        assert (views.held(made[0]), views.held(made[1])) == (0, 1)
        await views.close()

    clone.go(race())
    rows = clone.sql("SELECT id, view_count FROM articles")
    assert {row["id"]: row["view_count"] for row in rows} == {made[0]: 3, made[1]: 4}


@pytest.mark.rule("starter:R13")
def test_a_text_that_changes_while_it_is_read_is_the_new_one(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    amina = clone.person()
    made = clone.go(create(clone, amina.me))
    load = clone.app.cache.get_or

    async def late(key: str, ttl_s: float, make: Any) -> bytes:
        await change(clone, amina.me, made, content="The oven is cold by now.")
        return await load(key, ttl_s, make)

    monkeypatch.setattr(clone.app.cache, "get_or", late)
    found = clone.go(articles.get(clone.app, Me.anonymous, made.id))
    assert (found.content, found.version) == ("The oven is cold by now.", 2)


def test_views_of_very_many_articles_are_written_at_once(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the pause is: nothing grows without an end."""
    monkeypatch.setattr(articles, "MOST_COUNTED", 2)
    amina = clone.person()
    made = [clone.go(create(clone, amina.me)).id for _ in range(2)]

    async def count() -> None:
        views = articles.Views(clone.app)
        for one in made:
            views.count(one)
        (task,) = views._tasks
        await task
        assert all(views.held(one) == 0 for one in made)

    clone.go(count())
    assert [row["view_count"] for row in clone.sql("SELECT view_count FROM articles")] == [1, 1]
