"""Posting, and what people do with posts, at the x18 door."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.features.media.uploads import jpeg
from tests.features.posts.writing import write
from tests.features.queries import counted
from tests.surfaces.compat.x18.people import X18, ask, refused
from tests.surfaces.compat.x18.posting import block, do, follow, listed, post, private, writer
from tests.waiting import until_waiting
from tests.world import World

FIELDS = {
    "id", "user_id", "author", "content", "metadata", "media", "hashtags", "likes_count", "retweets_count",
    "bookmarks_count", "is_liked", "is_retweeted", "is_bookmarked", "created_at", "updated_at",
}  # fmt: skip
METADATA = {
    "category": "crypto",
    "market": "spot",
    "symbol": "BTC",
    "price": 64000.5,
    "tags": ["DeFi", "long"],
    "nested": {"يک": [1, None, True]},
}


def upload(world: World, who: Any, alt: str = "A red square") -> dict[str, Any]:
    answer = ask(
        world,
        "POST",
        "/api/media/upload",
        who,
        files={"file": ("a.jpg", jpeg(), "image/jpeg")},
        data={"alt_text": alt},
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.rule("x18:R11", "x18:R14")
def test_a_post_has_content_metadata_and_media(world: World) -> None:
    amina = writer(world, "Amina", "amina_k")
    media = upload(world, amina)
    made = post(world, amina, "  Up again: #Bitcoin  ", metadata=METADATA, media_ids=[media["id"]])
    assert set(made) == FIELDS
    assert made["content"] == "Up again: #Bitcoin" and made["metadata"] == METADATA
    assert made["media"] == [media] and made["hashtags"] == ["bitcoin"]
    assert made["user_id"] == made["author"]["id"] == amina.id
    assert made["author"]["username"] == "amina_k" and made["author"]["posts_count"] == 1
    assert (made["likes_count"], made["retweets_count"], made["bookmarks_count"]) == (0, 0, 0)
    assert (made["is_liked"], made["is_retweeted"], made["is_bookmarked"]) == (False, False, False)
    assert ask(world, "GET", f"/api/posts/{made['id']}", amina).json() == made
    seen = ask(world, "GET", f"/api/posts/{made['id']}").json()
    assert (seen["is_liked"], seen["is_retweeted"], seen["is_bookmarked"]) == (None, None, None)
    assert seen["author"]["is_following"] is None


def test_it_is_a_feed_post_at_every_door(world: World) -> None:
    amina = writer(world)
    made = post(world, amina, "Bread #naan", metadata={"category": "food"})
    native = world.get(f"/api/v1/posts/{made['id']}").json()
    assert (native["type"], native["visibility"], native["description"]) == ("FEED", "PUBLIC", "Bread #naan")
    there = write(world, amina.person, "FEED", title="Tea", description="Green")
    assert ask(world, "GET", f"/api/posts/{there['id']}").json()["content"] == "Tea\n\nGreen"
    for kind in ("SELL", "EVENT"):
        other = write(world, amina.person, kind)
        refused(ask(world, "GET", f"/api/posts/{other['id']}"), 404, "post_not_found")
        refused(ask(world, "POST", f"/api/posts/{other['id']}/like", amina), 404, "post_not_found")


@pytest.mark.rule("x18:D5")
@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "content"),
        ({"content": ""}, "content"),
        ({"content": " \n\t "}, "content"),
        ({"content": "x" * 2001}, "content"),
        ({"content": 7}, "content"),
        ({"content": "x", "metadata": []}, "metadata"),
        ({"content": "x", "metadata": "category"}, "metadata"),
        ({"content": "x", "metadata": {"a": "b" * 16384}}, "metadata"),
        ({"content": "x", "metadata": {"a": "b\u0000c"}}, "metadata.a"),
        ({"content": "x", "metadata": {"a": 2**70}}, "metadata.a"),
        ({"content": "x", "media_ids": "no"}, "media_ids"),
        ({"content": "x", "media_ids": ["no"]}, "media_ids[0]"),
        ({"content": "x", "media_ids": [str(uuid4()) for _ in range(5)]}, "media_ids"),
    ],
)
def test_a_wrong_field_is_named(world: World, body: dict[str, Any], field: str) -> None:
    amina = writer(world)
    refused(ask(world, "POST", "/api/posts", amina, json=body), 400, "validation_failed", field)
    assert world.sql("SELECT 1 FROM posts") == []


@pytest.mark.rule("x18:D5")
def test_the_bounds_of_content_and_metadata_hold(world: World) -> None:
    amina = writer(world)
    assert len(post(world, amina, "  " + "б" * 2000 + "\n")["content"]) == 2000
    media = upload(world, amina)
    empty = post(world, amina, " ", media_ids=[media["id"], media["id"]])
    assert empty["content"] == "" and [one["id"] for one in empty["media"]] == [media["id"]]
    room = 16 * 1024 - len('{"a":""}')
    assert post(world, amina, metadata={"a": "b" * room})["metadata"]["a"] == "b" * room


@pytest.mark.rule("x18:D5")
def test_media_are_ones_own(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    theirs, own = upload(world, bilal), upload(world, amina)
    body = {"content": "Look", "media_ids": [own["id"], theirs["id"]]}
    refused(ask(world, "POST", "/api/posts", amina, json=body), 400, "unknown_media", "media_ids[1]")
    body["media_ids"] = [str(uuid4())]
    refused(ask(world, "POST", "/api/posts", amina, json=body), 400, "unknown_media", "media_ids[0]")
    assert listed(world, "/api/timeline/explore") == []


@pytest.mark.rule("x18:R12")
def test_only_the_author_deletes_a_post_and_nobody_edits_it(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    made = post(world, amina, "Gone soon #gone", metadata={"symbol": "X"})
    path = f"/api/posts/{made['id']}"
    refused(ask(world, "DELETE", path), 401, "unauthorized")
    refused(ask(world, "DELETE", path, bilal), 403, "not_author")
    for method in ("PUT", "PATCH"):
        assert ask(world, method, path, amina, json={"content": "x"}).status_code == 405
    for action in ("like", "retweet", "bookmark"):
        do(world, bilal, action, made["id"])
    assert ask(world, "DELETE", path, amina).status_code == 204
    world.drain()
    refused(ask(world, "DELETE", path, amina), 404, "post_not_found")
    refused(ask(world, "GET", path), 404, "post_not_found")
    assert ask(world, "GET", f"/api/users/{amina.id}").json()["posts_count"] == 0
    for where in ("bookmarks", "timeline/home", f"timeline/user/{bilal.id}", "search/hashtag/gone"):
        assert listed(world, f"/api/{where}", bilal) == []
    assert world.sql("SELECT 1 FROM post_hashtags UNION ALL SELECT 1 FROM post_labels") == []
    assert ask(world, "GET", "/api/search/trending-hashtags").json()["hashtags"] == []


@pytest.mark.rule("x18:R13", "x18:D6")
@pytest.mark.parametrize(
    "action, flag, counter",
    [
        ("like", "liked", "likes_count"),
        ("retweet", "retweeted", "retweets_count"),
        ("bookmark", "bookmarked", None),
    ],
)
def test_a_toggle_is_set_once_and_removed_once(
    world: World, action: str, flag: str, counter: str | None
) -> None:
    amina, bilal = writer(world), writer(world)
    made = post(world, amina)

    def state(on: bool, count: int) -> dict[str, Any]:
        return {flag: on, **({counter: count} if counter else {})}

    def shown(who: Any) -> tuple[Any, int]:
        found = ask(world, "GET", f"/api/posts/{made['id']}", who).json()
        return found[f"is_{flag}"], found[counter or "bookmarks_count"]

    refused(ask(world, "POST", f"/api/posts/{made['id']}/{action}"), 401, "unauthorized")
    for _ in range(2):
        assert do(world, bilal, action, made["id"]) == state(True, 1)
    assert shown(bilal) == (True, 1) and shown(amina) == (False, 1)
    assert do(world, amina, action, made["id"]) == state(True, 2)
    for _ in range(2):
        assert do(world, bilal, action, made["id"], "DELETE") == state(False, 1)
    assert shown(bilal) == (False, 1)
    refused(ask(world, "POST", f"/api/posts/{uuid4()}/{action}", bilal), 404, "post_not_found")
    refused(ask(world, "DELETE", f"/api/posts/{uuid4()}/{action}", bilal), 404, "post_not_found")


@pytest.mark.parametrize("action", ["like", "retweet", "bookmark"])
def test_what_is_not_seen_is_not_touched(world: World, action: str) -> None:
    amina, bilal = writer(world), writer(world)
    blocked, hidden, gone = post(world, amina), post(world, writer(world)), post(world, amina)
    ask(world, "DELETE", f"/api/posts/{gone['id']}", amina)
    world.sql("UPDATE profiles SET is_private = true WHERE id::text = $1 RETURNING 1", hidden["user_id"])
    block(world, amina, bilal)
    for made in (blocked, hidden, gone):
        for method in ("POST", "DELETE"):
            answer = ask(world, method, f"/api/posts/{made['id']}/{action}", bilal)
            refused(answer, 404, "post_not_found")
    assert world.sql("SELECT sum(total_likes + total_reposts + total_bookmarks)::int AS n FROM posts") == [
        {"n": 0}
    ]


def test_a_post_for_friends_is_not_retweeted(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    follow(world, amina, bilal)
    follow(world, bilal, amina)
    secret = write(world, amina.person, visibility="FRIENDS")
    assert listed(world, "/api/timeline/home", bilal) == [secret["id"]]
    refused(ask(world, "POST", f"/api/posts/{secret['id']}/retweet", bilal), 409, "not_public")
    assert listed(world, "/api/timeline/explore", bilal) == []


@pytest.mark.rule("x18:R13", "x18:R30")
def test_bookmarks_are_the_callers_own_newest_first(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    made = [post(world, amina, f"Post {n}")["id"] for n in range(3)]
    for one in (made[1], made[0], made[2]):
        do(world, bilal, "bookmark", one)
        world.sql("UPDATE post_bookmarks SET created_at = created_at - interval '1 minute' RETURNING 1")
    assert listed(world, "/api/bookmarks", bilal) == [made[2], made[0], made[1]]
    assert listed(world, "/api/bookmarks", amina) == []
    page = ask(world, "GET", "/api/bookmarks?limit=1&offset=1", bilal).json()
    assert [one["id"] for one in page["posts"]] == [made[0]]
    assert (page["limit"], page["offset"], page["has_more"]) == (1, 1, True)
    refused(ask(world, "GET", "/api/bookmarks"), 401, "unauthorized")
    do(world, bilal, "bookmark", made[0], "DELETE")
    block(world, amina, bilal)
    assert listed(world, "/api/bookmarks", bilal) == []


def test_a_persons_posts_are_their_own_only(world: World) -> None:
    amina, bilal, chaman = writer(world), writer(world), writer(world)
    own, other = post(world, amina), post(world, bilal)
    do(world, amina, "retweet", other["id"])
    assert listed(world, f"/api/users/{amina.id}/posts") == [own["id"]]
    private(world, amina)
    assert listed(world, f"/api/users/{amina.id}/posts", chaman) == []
    block(world, amina, bilal)
    refused(ask(world, "GET", f"/api/users/{amina.id}/posts", bilal), 404, "user_not_found")
    refused(ask(world, "GET", f"/api/users/{uuid4()}/posts"), 404, "user_not_found")


ACTIONS = [("like", "post_likes", "total_likes"), ("retweet", "post_reposts", "total_reposts"),
           ("bookmark", "post_bookmarks", "total_bookmarks")]  # fmt: skip


def counts(world: World, post_id: str, table: str, counter: str) -> tuple[int, int]:
    """What the row of the post says, and how many there are."""
    row = world.sql(
        f"SELECT p.{counter} AS kept, (SELECT count(*) FROM {table} t WHERE t.post_id = p.id) AS real"
        " FROM posts p WHERE p.id::text = $1",
        post_id,
    )[0]
    return row["kept"], row["real"]


def race(world: World, post_id: str, action: str) -> None:
    """Four people, each of them twice, while somebody holds the post: all of them write at once."""
    people = [writer(world) for _ in range(4)]

    async def together() -> None:
        path = f"{X18}/api/posts/{post_id}/{action}"
        async with world.app.db.tx() as tx:
            await tx.records("SELECT 1 FROM posts WHERE id::text = $1 FOR UPDATE", post_id)
            work = [
                asyncio.ensure_future(world.http.post(path, headers=one.auth))
                for one in people
                for _ in range(2)
            ]
            await until_waiting(world, len(people), *work)
        assert {one.status_code for one in await asyncio.gather(*work)} == {200}

    world.go(together())


@pytest.mark.rule("x18:R28", "x18:D6")
@pytest.mark.parametrize("action, table, counter", ACTIONS)
def test_at_once_each_counts_once(clone: World, action: str, table: str, counter: str) -> None:
    made = post(clone, writer(clone))
    race(clone, made["id"], action)
    assert counts(clone, made["id"], table, counter) == (4, 4)
    with pytest.raises(asyncpg.UniqueViolationError):
        clone.sql(f"INSERT INTO {table} (user_id, post_id) SELECT user_id, post_id FROM {table} RETURNING 1")


@pytest.mark.parametrize("action, table, counter", ACTIONS)
def test_without_the_trigger_the_count_would_be_wrong(
    clone: World, action: str, table: str, counter: str
) -> None:
    """The control of the test above."""
    made = post(clone, writer(clone))
    clone.sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    race(clone, made["id"], action)
    assert counts(clone, made["id"], table, counter) == (0, 4)


@pytest.mark.rule("x18:R29")
def test_the_data_is_indexed_and_counted(world: World) -> None:
    """Foreign keys are looked at for all tables in tests/test_sql.py."""
    indexes = {row["indexdef"] for row in world.sql("SELECT indexdef FROM pg_indexes")}
    assert any("USING gin (metadata jsonb_path_ops, tags)" in one for one in indexes)
    unique = [one for one in indexes if one.startswith("CREATE UNIQUE")]
    for table in ("post_likes", "post_reposts", "post_bookmarks"):
        assert any(f"public.{table} USING btree (user_id, post_id)" in one for one in unique)
    assert any("user_follows USING btree (follower_id, following_id)" in one for one in unique)


@pytest.mark.rule("x18:R29", "x18:R30")
@pytest.mark.parametrize(
    "path",
    ["bookmarks", "timeline/home", "timeline/explore", "timeline/trending", "timeline/user/{id}", "users/{id}/posts",
     "timeline/search?category=a", "timeline/home?category=a", "timeline/trending?tag=t", "search/hashtag/t",
     "search/posts?q=post", "search?q=post"],
)  # fmt: skip
def test_a_list_takes_as_many_queries_whatever_its_size(world: World, path: str) -> None:
    amina, bilal = writer(world), writer(world)
    follow(world, bilal, amina)
    path = "/api/" + path.format(id=amina.id)

    def more(count: int) -> list[str]:
        for n in range(count):
            media = upload(world, amina)
            made = post(world, amina, f"Post {n} #t", metadata={"category": "a"}, media_ids=[media["id"]])
            do(world, bilal, "bookmark", made["id"])
            do(world, bilal, "retweet", made["id"])
        with counted(world) as seen:
            assert len(listed(world, path, bilal)) > 0
        return list(seen)

    few, many = more(1), more(4)
    assert len(many) == len(few) <= 9, many
    assert len(listed(world, path, bilal)) == 5
