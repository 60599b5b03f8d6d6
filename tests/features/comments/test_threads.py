"""Lists of comments and replies, tombstones, and who sees what."""

from uuid import UUID

import pytest

from majlis.features.comments import service
from majlis.features.comments.model import CommentsQuery, RepliesQuery
from majlis.kit.errors import Forbidden
from tests.features.comments.talking import (
    COMMENTS,
    Json,
    answer,
    ids,
    listed,
    of,
    remove,
    row,
    say,
    total_comments,
    under,
)
from tests.features.posts.writing import POSTS, block, friends, write
from tests.world import PASSWORD, Person, World

TOMBSTONE = {"text": None, "author": None, "location": None, "attachments": [], "deleted": True}


def suspend(world: World, who: Person, *, on: bool = True) -> None:
    world.sql("UPDATE profiles SET suspended = $2 WHERE id = $1 RETURNING 1", who.id, on)


# ---- threads


@pytest.mark.rule("hamsaya:117", "hamsaya:118")
def test_replies_to_replies_attach_to_them_and_are_listed_under_the_top(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    top, beside = say(world, amina, post), say(world, amina, post)
    reply = answer(world, amina, top)
    deeper = answer(world, amina, reply)
    deepest = say(world, amina, post, parent_comment_id=deeper["id"])
    assert [one["parent_comment_id"] for one in (reply, deeper, deepest)] == [
        top["id"],
        reply["id"],
        deeper["id"],
    ]
    assert ids(listed(world, under(post))) == [beside["id"], top["id"]]
    assert ids(listed(world, of(top, "/replies"))) == ids([reply, deeper, deepest])
    assert ids(listed(world, f"{under(post)}?parent_comment_id={top['id']}&sort=oldest")) == ids(
        [reply, deeper, deepest]
    )
    assert ids(listed(world, of(reply, "/replies"))) == [deeper["id"]]
    assert listed(world, of(beside, "/replies")) == []


def test_a_parent_of_another_post_lists_nothing(world: World) -> None:
    amina = world.person()
    post, elsewhere = write(world, amina), write(world, amina)
    stranger = say(world, amina, elsewhere)
    assert world.get(f"{under(post)}?parent_comment_id={stranger['id']}").status_code == 404
    assert world.get(f"{under(post)}?parent_comment_id=7").status_code == 422


@pytest.mark.rule("hamsaya:118")
def test_the_first_three_replies_come_along_when_asked_for(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    quiet, loud = say(world, amina, post), say(world, amina, post)
    replies = [answer(world, karim, loud)]
    replies += [answer(world, karim, replies[0]) for _ in range(4)]
    world.post(of(replies[1], "/like"), amina)
    got = {one["id"]: one for one in listed(world, f"{under(post)}?include_replies=true", amina)}
    assert ids(got[loud["id"]]["replies"]) == ids(replies[:3])
    assert [one["liked_by_me"] for one in got[loud["id"]]["replies"]] == [False, True, False]
    assert got[loud["id"]]["replies"][0]["author"]["id"] == str(karim.id)
    assert got[quiet["id"]]["replies"] == []
    assert all("replies" not in one for one in listed(world, under(post)))
    nested = listed(world, f"{under(post)}?parent_comment_id={loud['id']}&include_replies=true&sort=oldest")
    assert [ids(one["replies"]) for one in nested] == [ids(replies[1:4]), [], [], [], []]


# ---- orders and pages


def _talk(world: World, count: int) -> tuple[Json, list[Json]]:
    """A post and comments on it, oldest first, liked 0, 1, 2, 0, 1, 2 … times; several share their time."""
    author = world.person()
    fans = [world.person() for _ in range(2)]
    post = write(world, author)
    comments = [say(world, author, post, str(n)) for n in range(count)]
    for n, comment in enumerate(comments):
        for fan in fans[: n % 3]:
            world.post(of(comment, "/like"), fan)
    world.sql(
        "UPDATE post_comments SET created_at = date_trunc('hour', created_at) WHERE text::int % 4 < 2 RETURNING 1"
    )
    return post, comments


EXPECTED = {
    "recent": "created_at DESC, id DESC",
    "oldest": "created_at, id",
    "top": "total_likes DESC, created_at DESC, id DESC",
}


@pytest.mark.rule("hamsaya:117")
@pytest.mark.parametrize("sort", EXPECTED)
@pytest.mark.parametrize("limit", [3, 20])
def test_pages_join_into_the_whole_list(world: World, sort: str, limit: int) -> None:
    post, comments = _talk(world, 23 if limit == 20 else 8)
    expected = [
        str(one["id"]) for one in world.sql(f"SELECT id FROM post_comments ORDER BY {EXPECTED[sort]}")
    ]
    assert len(expected) == len(comments)
    answer(world, world.person(), comments[0])  # counts for the post and not for the list
    asked, found = f"{under(post)}?sort={sort}&limit={limit}", []
    body = world.get(asked).json()
    while True:
        assert "total" not in body
        found += ids(body["data"])
        if body["next_cursor"] is None:
            break
        assert len(body["data"]) == limit
        body = world.get(f"{asked}&cursor={body['next_cursor']}").json()
    assert found == expected
    skipped = world.get(f"{asked}&offset=2").json()
    assert ids(skipped["data"]) == expected[2 : 2 + limit]
    assert skipped["total"] == len(comments)
    assert total_comments(world, post) == len(comments) + 1


@pytest.mark.rule("hamsaya:117")
def test_replies_are_paged_too_oldest_first(world: World) -> None:
    amina = world.person()
    top = say(world, amina, write(world, amina))
    replies = ids([answer(world, amina, top) for _ in range(5)])
    path = of(top, "/replies")
    first = world.get(f"{path}?limit=3&offset=0").json()
    assert (ids(first["data"]), first["total"]) == (replies[:3], 5)
    rest = world.get(f"{path}?limit=3&cursor={first['next_cursor']}").json()
    assert (ids(rest["data"]), rest["next_cursor"]) == (replies[3:], None)
    assert ids(listed(world, f"{path}?sort=recent")) == replies[::-1]


def test_a_cursor_is_of_its_own_list(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    top, _ = say(world, amina, post), say(world, amina, post)
    cursor = world.get(f"{under(post)}?limit=1").json()["next_cursor"]
    for path in (
        f"{under(post)}?cursor=x",
        f"{under(post)}?sort=top&cursor={cursor}",
        f"{under(post)}?cursor={'BB' if cursor[:2] == 'AA' else 'AA'}{cursor[2:]}",
        f"{of(top, '/replies')}?sort=recent&cursor={cursor}",
        f"{POSTS}?cursor={cursor}",
    ):
        got = world.get(path)
        assert (got.status_code, got.json()["error"]["code"]) == (400, "bad_cursor"), path
    for query in ("limit=0", "limit=101", "offset=-1", "sort=nearby", "include_replies=perhaps"):
        assert world.get(f"{under(post)}?{query}").status_code == 422, query


def test_a_page_full_of_hidden_comments_does_not_end_the_list(world: World) -> None:
    amina, bore, reader = world.person(), world.person(), world.person()
    post = write(world, amina)
    first = say(world, amina, post)
    noise = [say(world, bore, post) for _ in range(5)]
    for comment in noise[:2]:
        remove(world, bore, comment)
    block(world, reader, bore)
    assert ids(listed(world, f"{under(post)}?limit=2", reader)) == [first["id"]]


# ---- tombstones


@pytest.mark.rule("hamsaya:121")
def test_a_deleted_comment_with_live_replies_leaves_a_tombstone(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    top = say(world, karim, post, location={"lat": 34, "lng": 69})
    reply = answer(world, amina, top)
    remove(world, karim, top)
    (stone,) = listed(world, under(post), amina)
    assert stone.items() >= {**TOMBSTONE, "id": top["id"], "total_replies": 1, "is_mine": False}.items()
    assert world.get(of(top), amina).json() == stone
    assert world.get(of(top), karim).json()["is_mine"] is True
    assert ids(listed(world, of(top, "/replies"))) == [reply["id"]]
    for method, verb in [
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/like"),
        ("DELETE", "/like"),
        ("POST", "/replies"),
    ]:
        assert world.request(method, of(top, verb), karim, json={"text": "a"}).status_code == 404
    remove(world, amina, reply)
    assert listed(world, under(post)) == []
    assert world.get(of(top)).status_code == 404
    assert world.get(of(top, "/replies")).status_code == 404


@pytest.mark.rule("hamsaya:121")
def test_a_deleted_comment_without_live_replies_vanishes(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    top = say(world, amina, post)
    remove(world, amina, answer(world, amina, top))
    remove(world, amina, top)
    got = world.get(f"{under(post)}?offset=0").json()
    assert (got["data"], got["total"]) == ([], 0)


@pytest.mark.rule("hamsaya:121")
def test_a_chain_of_tombstones_stands_as_long_as_its_end(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    top = say(world, amina, post)
    reply = answer(world, amina, top)
    deeper = answer(world, amina, reply)
    beside = answer(world, amina, top)
    leaf = answer(world, amina, deeper)
    for comment in (deeper, top, reply):
        remove(world, amina, comment)
    thread = listed(world, of(top, "/replies"))
    assert [(one["id"], one["deleted"]) for one in thread] == [
        (reply["id"], True),
        (deeper["id"], True),
        (beside["id"], False),
        (leaf["id"], False),
    ]
    remove(world, amina, leaf)
    assert ids(listed(world, of(top, "/replies"))) == [beside["id"]]
    assert listed(world, under(post))[0].items() >= TOMBSTONE.items()
    remove(world, amina, beside)
    assert listed(world, under(post)) == []
    world.sql("UPDATE post_comments SET deleted_at = NULL WHERE id::text = $1 RETURNING 1", leaf["id"])
    assert ids(listed(world, of(top, "/replies"))) == ids([reply, deeper, leaf])
    assert listed(world, under(post))[0].items() >= TOMBSTONE.items()


def test_a_hard_delete_below_a_tombstone_takes_it_away(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    top = say(world, amina, post)
    reply = answer(world, amina, top)
    remove(world, amina, top)
    world.sql("DELETE FROM post_comments WHERE id::text = $1 RETURNING 1", reply["id"])
    assert listed(world, under(post)) == []
    assert total_comments(world, post) == 0


# ---- who sees what


@pytest.mark.rule("hamsaya:89")
def test_comments_are_seen_where_the_post_is(world: World) -> None:
    amina, friend, stranger = world.person(), world.person(), world.person()
    friends(world, amina, friend)
    post = write(world, amina, visibility="FRIENDS")
    top = say(world, friend, post)
    for who, status in ((amina, 200), (friend, 200), (stranger, 404), (None, 404)):
        for path in (
            under(post),
            of(top),
            of(top, "/replies"),
            f"{under(post)}?parent_comment_id={top['id']}",
        ):
            assert world.get(path, who).status_code == status
    for method, path in [
        ("POST", of(top, "/like")),
        ("DELETE", of(top, "/like")),
        ("PUT", of(top)),
        ("DELETE", of(top)),
        ("POST", of(top, "/replies")),
        ("POST", under(post)),
    ]:
        assert world.request(method, path, stranger, json={"text": "a"}).status_code == 404
    world.put(f"{POSTS}/{post['id']}", amina, {"status": False})
    assert world.get(of(top), friend).status_code == 404
    assert world.get(of(top), amina).status_code == 200
    world.delete(f"{POSTS}/{post['id']}", amina)
    assert world.get(under(post), amina).status_code == 404
    assert world.get(of(top), amina).status_code == 404
    assert world.delete(of(top), friend).status_code == 404


@pytest.mark.rule("hamsaya:149")
@pytest.mark.parametrize("turned", [False, True])
def test_blocks_hide_comments_both_ways(world: World, turned: bool) -> None:
    host, amina, karim = world.person(), world.person(), world.person()
    post = write(world, host)
    top, reply = say(world, host, post), say(world, karim, post)
    below = answer(world, karim, top)
    others = answer(world, host, below)
    hers = say(world, amina, post)
    block(world, *((karim, amina) if turned else (amina, karim)))
    assert ids(listed(world, under(post), amina)) == [hers["id"], top["id"]]
    assert ids(listed(world, under(post), karim)) == [reply["id"], top["id"]]
    assert ids(listed(world, under(post), host)) == [hers["id"], reply["id"], top["id"]]
    assert ids(listed(world, of(top, "/replies"), amina)) == [others["id"]], "what others answered stays"
    shown = {one["id"]: one for one in listed(world, f"{under(post)}?include_replies=true", amina)}
    assert ids(shown[top["id"]]["replies"]) == [others["id"]]
    assert world.get(f"{under(post)}?offset=0", amina).json()["total"] == 2
    for method, verb in [
        ("GET", ""),
        ("GET", "/replies"),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/like"),
        ("DELETE", "/like"),
        ("POST", "/replies"),
    ]:
        assert world.request(method, of(reply, verb), amina, json={"text": "a"}).status_code == 404, (
            method,
            verb,
        )
    got = world.post(under(post), amina, {"text": "a", "parent_comment_id": reply["id"]})
    assert got.status_code == 422
    assert row(world, reply)["total_likes"] == 0


@pytest.mark.rule("hamsaya:149", "hamsaya:121")
def test_a_tombstone_of_a_blocked_person_is_hidden_too(world: World) -> None:
    host, amina, karim = world.person(), world.person(), world.person()
    post = write(world, host)
    top = say(world, karim, post)
    reply = answer(world, host, top)
    remove(world, karim, top)
    block(world, karim, amina)
    assert listed(world, under(post), amina) == []
    assert world.get(of(top), amina).status_code == 404
    assert world.get(of(reply), amina).status_code == 200


def test_comments_of_suspended_people_are_hidden_until_they_are_back(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    comment = say(world, karim, post)
    suspend(world, karim)
    assert listed(world, under(post), amina) == []
    assert world.get(of(comment), amina).status_code == 404
    assert world.post(of(comment, "/like"), amina).status_code == 404
    suspend(world, karim, on=False)
    assert ids(listed(world, under(post), amina)) == [comment["id"]]


@pytest.mark.rule("hamsaya:24")
def test_a_deleted_account_leaves_tombstones_where_others_answered(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    top = say(world, karim, post)
    reply = answer(world, amina, top)
    say(world, karim, post)
    own = answer(world, karim, say(world, amina, post, "Stays"))
    got = world.request(
        "DELETE", "/api/v1/users/me/account", karim, json={"password": PASSWORD, "reason": "Moving"}
    )
    assert got.status_code == 204, got.text
    world.drain()
    assert [(one["text"], one["deleted"]) for one in listed(world, under(post))] == [
        ("Stays", False),
        (None, True),
    ]
    assert ids(listed(world, of(top, "/replies"))) == [reply["id"]]
    assert world.get(of(own)).status_code == 404
    assert total_comments(world, post) == 2


def test_only_the_system_clears_away_what_others_wrote(world: World) -> None:
    amina = world.person()
    for work in (service.delete_of_user, service.drop_pictures):
        with pytest.raises(Forbidden):
            world.go(work(world.app, amina.me, amina.id))


# ---- cost


@pytest.mark.parametrize("count", [1, 30])
def test_lists_take_the_same_few_queries_whatever_their_size(world: World, count: int) -> None:
    amina = world.person()
    post = write(world, amina)
    top = say(world, amina, post)
    for _ in range(count):
        say(world, amina, post)
        answer(world, amina, top)
    post_id, top_id = UUID(post["id"]), UUID(top["id"])

    async def spent() -> list[int]:
        found = []
        for query in (
            CommentsQuery(),
            CommentsQuery(sort="top", include_replies=True),
            CommentsQuery(parent_comment_id=top_id, offset=0, include_replies=True),
        ):
            async with world.app.db.read() as tx:
                await service.of_post(tx, amina.me, post_id, query)
                found.append(tx.queries)
        async with world.app.db.read() as tx:
            await service.replies(tx, amina.me, top_id, RepliesQuery())
            found.append(tx.queries)
        async with world.app.db.read() as tx:
            await service.get(tx, amina.me, top_id)
            found.append(tx.queries)
        return found

    assert world.go(spent()) == [2, 3, 4, 2, 1]


def test_a_bad_path_is_no_comment(world: World) -> None:
    assert world.get(f"{COMMENTS}/not-a-uuid").status_code == 404
