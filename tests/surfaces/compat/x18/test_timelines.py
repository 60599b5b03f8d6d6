"""Timelines at the x18 door."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from majlis.features.posts import service as posts
from majlis.features.timelines import service as timelines
from majlis.features.timelines import store
from majlis.features.timelines.model import Labels
from majlis.kit import clock, page
from majlis.kit.me import Me
from tests.features.posts.writing import write
from tests.surfaces.compat.x18.people import ask, refused
from tests.surfaces.compat.x18.posting import (
    Writer,
    age,
    block,
    do,
    follow,
    listed,
    mute,
    post,
    private,
    writer,
)
from tests.world import World

HOME, EXPLORE, TRENDING = "/api/timeline/home", "/api/timeline/explore", "/api/timeline/trending"


def retweet(world: World, who: Writer, post_id: str) -> None:
    do(world, who, "retweet", post_id)


# ---- home


@pytest.mark.rule("x18:R16", "x18:D11", "x18:R9")
def test_home_holds_own_and_followed_posts_and_retweets_newest_first(world: World) -> None:
    amina, bilal, chaman = writer(world), writer(world), writer(world)
    follow(world, amina, bilal)
    first = post(world, chaman, "first")["id"]
    second = post(world, bilal, "second")["id"]
    third = post(world, amina, "third")["id"]
    post(world, chaman, "of nobody whom Amina follows")
    assert listed(world, HOME, amina) == [third, second]
    retweet(world, bilal, first)
    assert listed(world, HOME, amina) == [first, third, second]
    retweet(world, amina, second)
    assert listed(world, HOME, amina) == [second, first, third]
    do(world, amina, "retweet", second, "DELETE")
    do(world, bilal, "retweet", first, "DELETE")
    assert listed(world, HOME, amina) == [third, second]
    ask(world, "DELETE", f"/api/users/{bilal.id}/follow", amina)
    assert listed(world, HOME, amina) == [third]
    refused(ask(world, "GET", HOME), 401, "unauthorized")


def test_a_post_stands_once_in_a_home_where_it_was_handed_on_last(world: World) -> None:
    amina, bilal, chaman = writer(world), writer(world), writer(world)
    for one in (bilal, chaman):
        follow(world, amina, one)
    old, newer = post(world, bilal, "old")["id"], post(world, chaman, "newer")["id"]
    for one in (chaman, bilal):
        retweet(world, one, old)
        assert listed(world, HOME, amina) == [old, newer]
    page_one = ask(world, "GET", HOME + "?limit=1", amina).json()
    page_two = ask(world, "GET", HOME + "?limit=1&offset=1", amina).json()
    assert [one["id"] for one in page_one["posts"] + page_two["posts"]] == [old, newer]
    assert (page_one["has_more"], page_two["has_more"]) == (True, False)


@pytest.mark.rule("x18:R16")
def test_home_shows_what_may_be_seen(world: World) -> None:
    amina, bilal, chaman, dara = (writer(world) for _ in range(4))
    for one in (bilal, chaman):
        follow(world, amina, one)
    theirs = post(world, dara, "by Dara")["id"]
    retweet(world, bilal, theirs)
    kept = post(world, chaman, "by Chaman")["id"]
    switched_off = write(world, bilal.person, status=False)
    secret = write(world, bilal.person, visibility="PRIVATE")
    for_friends = write(world, bilal.person, visibility="FRIENDS")
    held = listed(world, HOME, amina)
    assert held == [kept, theirs] and not {switched_off["id"], secret["id"], for_friends["id"]} & {*held}
    mute(world, amina, bilal)
    assert listed(world, HOME, amina) == [kept]
    world.delete(f"/api/v1/users/{bilal.id}/mute", amina.person)
    block(world, dara, amina)
    assert listed(world, HOME, amina) == [kept]
    world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING 1", chaman.person.id)
    assert listed(world, HOME, amina) == []


def test_a_retweet_by_somebody_muted_or_closed_does_not_hide_the_post_itself(world: World) -> None:
    amina, bilal, chaman = writer(world), writer(world), writer(world)
    for one in (bilal, chaman):
        follow(world, amina, one)
    made = post(world, bilal)["id"]
    retweet(world, chaman, made)
    for change in ("mute", "suspend"):
        if change == "mute":
            mute(world, amina, chaman)
        else:
            world.delete(f"/api/v1/users/{chaman.id}/mute", amina.person)
            world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING 1", chaman.person.id)
        assert listed(world, HOME, amina) == [made]


def test_private_accounts_are_in_the_homes_of_followers_only(world: World) -> None:
    amina, bilal, chaman = writer(world), writer(world), writer(world)
    follow(world, amina, bilal)
    follow(world, chaman, amina)
    made = post(world, bilal)["id"]
    private(world, bilal)
    assert listed(world, HOME, amina) == [made]
    retweet(world, amina, made)
    assert listed(world, HOME, chaman) == []
    assert listed(world, f"/api/timeline/user/{amina.id}", chaman) == []
    assert listed(world, EXPLORE, chaman) == [] and listed(world, EXPLORE, amina) == [made]


def test_a_page_full_of_hidden_posts_does_not_end_a_home(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each person is asked for a few; where those are hidden, for all."""
    monkeypatch.setattr(store, "MORE", 0)
    amina, bilal = writer(world), writer(world)
    follow(world, amina, bilal)
    deep = [post(world, bilal, f"Deep {n}")["id"] for n in range(3)]
    for _ in range(4):
        write(world, bilal.person, visibility="PRIVATE")
    assert listed(world, HOME + "?limit=2", amina) == [deep[2], deep[1]]
    assert listed(world, HOME + "?limit=2&offset=2", amina) == [deep[0]]


@pytest.mark.parametrize("labels", ["", "category=a&"])
@pytest.mark.parametrize("reposted", [False, True])
@pytest.mark.parametrize("looked_through", [3, 2000])
def test_homes_of_many_followed_are_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, labels: str, looked_through: int, reposted: bool
) -> None:
    """Which way a home is read does not show, wherever the newest posts end that are looked through first."""
    people = [writer(world) for _ in range(4)]
    amina = people[0]
    for one in people[1:3]:
        follow(world, amina, one)
    made = [
        post(world, people[n % 4], f"{n}", metadata={"category": "ab"[n % 3 == 0]})["id"] for n in range(12)
    ]
    for n, one in enumerate(made[::-1] if reposted else []):
        retweet(world, people[(n * 3) % 4], one)
    path = f"{HOME}?{labels}limit="
    wanted = [listed(world, f"{path}3&offset={offset}", amina) for offset in range(0, 12, 3)]
    assert len({one for part in wanted for one in part}) > 3
    monkeypatch.setattr(store, "FEW_FOLLOWED", 0)
    monkeypatch.setattr(store, "FEW_FOUND", 0)
    monkeypatch.setattr(store, "LOOKED_THROUGH", looked_through)
    assert [listed(world, f"{path}3&offset={offset}", amina) for offset in range(0, 12, 3)] == wanted


@pytest.mark.parametrize("which", ["home", "explore", "search", "of_user", "bookmarks"])
def test_cursors_follow_the_same_order(world: World, which: str) -> None:
    amina, bilal = writer(world), writer(world)
    follow(world, amina, bilal)
    for n in range(5):
        made = post(world, bilal, f"Post {n}", metadata={"category": "a"})["id"]
        if n % 2:
            retweet(world, amina, made)
        do(world, amina, "bookmark", made)
    labels = Labels(category="a")
    me = Me(id=amina.person.id)

    async def part(paging: page.Paging) -> page.Page[Any]:
        async with world.app.db.read() as tx:
            match which:
                case "of_user":
                    return await timelines.of_user(tx, me, bilal.person.id, labels, paging)
                case "bookmarks":
                    return await timelines.bookmarks(tx, me, paging)
                case _:
                    return await getattr(timelines, which)(tx, me, labels, paging)

    whole = [one.post.id for one in world.go(part(page.Paging(20))).items]
    assert len(whole) == 5
    found, cursor = [], None
    for _ in range(5):
        got = world.go(part(page.Paging(1, cursor)))
        found += [one.post.id for one in got.items]
        cursor = got.next
    assert found == whole and cursor is None


# ---- filters


@pytest.mark.rule("x18:R15", "x18:D9", "x18:R14")
@pytest.mark.parametrize("path", [HOME, EXPLORE, TRENDING, "/api/timeline/search", "/api/timeline/user/{id}"])
def test_filters_combine_freely(world: World, path: str) -> None:
    amina = writer(world)
    path = path.format(id=amina.id)
    both = post(world, amina, "#Alpha", metadata={"category": "crypto", "market": "spot", "symbol": "BTC"})[
        "id"
    ]
    tagged = post(world, amina, "x", metadata={"category": "crypto", "symbol": "ETH", "tags": ["ALPHA", 7]})[
        "id"
    ]
    other = post(world, amina, "#beta", metadata={"category": "Crypto", "market": ["spot"], "symbol": 1})[
        "id"
    ]
    post(world, amina, "alpha without a sign", metadata={"tags": "alpha", "nested": {"category": "crypto"}})

    def found(query: str) -> list[str]:
        return listed(world, f"{path}?{query}", amina)

    assert found("category=crypto") == [tagged, both]
    assert found("category=Crypto") == [other]
    assert found("market=spot") == [both]
    assert found("symbol=ETH") == [tagged]
    for tag in ("alpha", "ALPHA", "%23Alpha"):
        assert found(f"tag={tag}") == [tagged, both]
    assert found("category=crypto&tag=alpha&symbol=BTC&market=spot") == [both]
    assert found("category=crypto&tag=beta") == []
    assert found("category=crypto&limit=1&offset=1") == [both]
    assert found("symbol=1") == []
    refused(ask(world, "GET", f"{path}?tag={'x' * 201}", amina), 400, "validation_failed", "tag")


@pytest.mark.parametrize("path", [EXPLORE, "/api/timeline/search"])
def test_what_stands_deep_is_found_by_the_index(
    world: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    amina = writer(world)
    rare = [post(world, amina, metadata={"symbol": "RARE"})["id"] for _ in range(2)]
    for _ in range(3):
        post(world, amina, metadata={"symbol": "BTC"})
    monkeypatch.setattr(store, "LOOKED_THROUGH", 2)
    assert listed(world, f"{path}?symbol=RARE") == rare[::-1]
    assert listed(world, f"{path}?symbol=RARE&limit=1") == rare[1:]


@pytest.mark.rule("x18:R19")
def test_search_by_metadata_needs_a_filter(world: World) -> None:
    amina = writer(world)
    made = post(world, amina, "words", metadata={"category": "a"})["id"]
    for query in ("", "?category=", "?q=words"):
        refused(ask(world, "GET", f"/api/timeline/search{query}"), 400, "filter_required")
    assert listed(world, "/api/timeline/search?category=a") == [made]
    assert listed(world, "/api/timeline/search?category=words") == []


@pytest.mark.rule("x18:R30")
@pytest.mark.parametrize("path", [HOME, EXPLORE, TRENDING, "/api/timeline/search", "/api/timeline/user/{id}"])
@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "offset=-1", "offset=10001"])
def test_limit_and_offset_have_bounds(world: World, path: str, query: str) -> None:
    amina = writer(world)
    answer = ask(world, "GET", f"{path.format(id=amina.id)}?category=a&{query}", amina)
    refused(answer, 400, "validation_failed", query.partition("=")[0])


# ---- explore


@pytest.mark.rule("x18:R17")
def test_explore_is_public_newest_first(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    made = [post(world, amina, f"{n}")["id"] for n in range(3)]
    write(world, amina.person, visibility="FRIENDS")
    write(world, amina.person, "SELL")
    assert listed(world, EXPLORE) == listed(world, EXPLORE, bilal) == made[::-1]
    assert listed(world, EXPLORE + "?limit=1&offset=1") == [made[1]]
    page_ = ask(world, "GET", EXPLORE + "?limit=2").json()
    assert set(page_) == {"posts", "limit", "offset", "has_more"} and page_["has_more"] is True
    mute(world, bilal, amina)
    assert listed(world, EXPLORE, bilal) == []
    assert listed(world, f"/api/timeline/user/{amina.id}", bilal) == made[::-1]
    block(world, amina, bilal)
    assert listed(world, "/api/timeline/search?tag=x", bilal) == []


def test_a_bare_share_of_another_door_is_no_post_here(world: World) -> None:
    amina = writer(world)
    made = post(world, amina)["id"]
    world.post(f"/api/v1/posts/{made}/share", amina.person, {})
    quoted = world.post(f"/api/v1/posts/{made}/share", amina.person, {"share_text": "Look"}).json()
    assert listed(world, EXPLORE) == [quoted["share"]["shared_post_id"], made]


# ---- trending


def liked(world: World, post_id: str, likes: int, retweets: int = 0) -> None:
    """Let a post have been liked and retweeted, through the counters' own functions."""
    world.sql("SELECT post_count($1, $2, 0, 0)::text", UUID(post_id), likes)
    if retweets:
        world.sql("SELECT post_repost_count($1, $2)::text", UUID(post_id), retweets)


@pytest.mark.rule("x18:R18", "x18:D10")
def test_trending_is_by_score_then_newest(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    made = [post(world, amina, f"{n}", metadata={"category": "ab"[n % 2]})["id"] for n in range(6)]
    do(world, amina, "like", made[0])
    do(world, bilal, "like", made[0])
    retweet(world, bilal, made[1])
    do(world, bilal, "like", made[2])
    liked(world, made[3], 3)
    assert listed(world, TRENDING) == [made[3], made[1], made[0], made[2], made[5], made[4]]
    assert listed(world, TRENDING + "?category=a") == [made[0], made[2], made[4]]
    assert listed(world, TRENDING + "?limit=2&offset=2") == [made[0], made[2]]
    do(world, bilal, "retweet", made[1], "DELETE")
    do(world, bilal, "like", made[2], "DELETE")
    assert listed(world, TRENDING) == [made[3], made[0], made[5], made[4], made[2], made[1]]
    body = ask(world, "GET", TRENDING + "?limit=5").json()
    assert (body["timeframe"], body["has_more"]) == ("24h", True)


@pytest.mark.rule("x18:R18", "x18:D10")
def test_trending_is_of_a_timeframe(world: World) -> None:
    amina = writer(world)
    ages = ["30 minutes", "5 hours", "23 hours", "6 days", "29 days", "31 days"]
    made = [post(world, amina, one)["id"] for one in ages]
    for one, old in zip(made, ages, strict=True):
        age(world, one, old)
    liked(world, made[3], 1)
    liked(world, made[5], 9)
    for frame, count in (("1h", 1), ("6h", 2), ("24h", 3), ("7d", 4), ("30d", 5)):
        found = listed(world, f"{TRENDING}?timeframe={frame}")
        assert sorted(found) == sorted(made[:count])
        if count >= 4:
            assert found[0] == made[3]
    for frame in ("2h", "all", "24H"):
        refused(ask(world, "GET", f"{TRENDING}?timeframe={frame}"), 400, "invalid_timeframe", "timeframe")


@pytest.mark.parametrize("few", [0, 3000])
@pytest.mark.parametrize("labels", ["", "category=a&"])
def test_scores_far_apart_and_close_together_are_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch, few: int, labels: str
) -> None:
    """Posts are kept by steps of the score; within a step the score itself decides."""
    amina = writer(world)
    scores = [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 40, 47, 48, 1000, 1001]
    made = {}
    for n in sorted(range(len(scores)), key=lambda n: n * 7 % len(scores)):
        made[scores[n]] = post(world, amina, f"{scores[n]}", metadata={"category": "a"})["id"]
        if scores[n]:
            liked(world, made[scores[n]], scores[n] % 2, scores[n] // 2)
    monkeypatch.setattr(store, "FEW_FOUND", few)
    wanted = [made[score] for score in sorted(scores, reverse=True)]
    assert listed(world, f"{TRENDING}?{labels}limit=100") == wanted
    parts = [listed(world, f"{TRENDING}?{labels}limit=5&offset={offset}") for offset in range(0, 20, 5)]
    assert [one for part in parts for one in part] == wanted


def test_the_step_of_a_score_never_falls_while_the_score_rises(world: World) -> None:
    rows = world.sql("SELECT n, post_heat(n) AS heat FROM generate_series(0, 5000) AS n ORDER BY n")
    heats = [row["heat"] for row in rows]
    assert heats == sorted(heats) and heats[:9] == [0, 1, 2, 3, 4, 4, 5, 5, 6]
    assert world.sql("SELECT post_heat(2147483647) AS heat")[0]["heat"] <= 62


def test_trending_shows_what_everybody_may_see(world: World) -> None:
    amina, bilal, chaman = writer(world), writer(world), writer(world)
    shown = post(world, amina)["id"]
    quiet = post(world, chaman)["id"]
    for kind in ("PRIVATE", "FRIENDS"):
        liked(world, write(world, bilal.person, visibility=kind)["id"], 50)
    liked(world, write(world, bilal.person, "EVENT")["id"], 50)
    liked(world, post(world, bilal, "by Bilal")["id"], 50)
    private(world, bilal)
    liked(world, quiet, 9)
    assert listed(world, TRENDING) == [quiet, shown]
    mute(world, amina, chaman)
    assert listed(world, TRENDING, amina) == [shown]
    assert listed(world, TRENDING, bilal)[0] != quiet  # one's own are shown to oneself


# ---- of a person


@pytest.mark.rule("x18:R19")
def test_a_persons_timeline_holds_their_posts_and_retweets(world: World) -> None:
    amina, bilal, chaman = writer(world), writer(world), writer(world)
    own, theirs = post(world, amina, "own")["id"], post(world, bilal, "theirs")["id"]
    path = f"/api/timeline/user/{amina.id}"
    retweet(world, amina, theirs)
    assert listed(world, path) == [theirs, own]
    retweet(world, amina, own)
    assert listed(world, path) == [own, theirs]
    assert listed(world, path + "?limit=1&offset=1") == [theirs]
    block(world, bilal, chaman)
    assert listed(world, path, chaman) == [own]
    block(world, chaman, amina)
    assert listed(world, path, chaman) == []
    refused(ask(world, "GET", f"/api/timeline/user/{uuid4()}"), 404, "user_not_found")
    private(world, amina)
    assert listed(world, path, bilal) == []
    block(world, amina, bilal)
    refused(ask(world, "GET", path, bilal), 404, "user_not_found")


def test_what_is_restored_returns(world: World) -> None:
    amina = writer(world)
    made = post(world, amina, "#here", metadata={"category": "a"})["id"]
    moderator = Me(id=world.person(role="moderator").id, role="moderator")

    async def change(verb: Any, *more: Any) -> None:
        async with world.app.db.tx() as tx:
            await verb(tx, moderator, UUID(made), *more)

    world.go(change(posts.hide, "why"))
    world.drain()
    for path in (EXPLORE, TRENDING, EXPLORE + "?category=a", "/api/search/hashtag/here"):
        assert listed(world, path) == []
    assert ask(world, "GET", "/api/search/trending-hashtags").json()["hashtags"] == []
    world.go(change(posts.restore))
    world.drain()
    for path in (EXPLORE, TRENDING, EXPLORE + "?category=a", "/api/search/hashtag/here"):
        assert listed(world, path) == [made]
    assert ask(world, "GET", "/api/search/trending-hashtags").json()["hashtags"] == [
        {"tag": "here", "posts_count": 1}
    ]


def test_trending_moves_on_with_time(world: World) -> None:
    amina = writer(world)
    made = post(world, amina)["id"]
    assert listed(world, TRENDING) == [made]
    with clock.shifted(timedelta(hours=25)):
        found = world.go(_trending(world))
    assert found == []


async def _trending(world: World) -> list[UUID]:
    async with world.app.db.read() as tx:
        got = await timelines.trending(tx, Me.anonymous, "24h", Labels(), page.Paging(20, offset=0))
    return [one.post.id for one in got.items]
