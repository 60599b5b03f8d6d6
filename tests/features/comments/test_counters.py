"""Likes of comments, and the counters that triggers keep."""

from typing import Any

import pytest

from majlis.features.comments.facts import CommentLiked
from majlis.kit.facts import Job, registry
from tests.features.comments.talking import (
    Json,
    answer,
    change,
    of,
    remove,
    row,
    say,
    total_comments,
    wrong_counters,
)
from tests.features.posts.writing import POSTS, write
from tests.world import World

SOFT = "UPDATE post_comments SET deleted_at = now() WHERE id::text = $1"
RESTORE = "UPDATE post_comments SET deleted_at = NULL WHERE id::text = $1"
HARD = "DELETE FROM post_comments WHERE id::text = $1"
# What the tables had before: every change of a deleted row is taken for a deletion.
NAIVE = """
CREATE OR REPLACE FUNCTION post_comments_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM post_count(NEW.post_id, 0, 1, 0);
  ELSIF TG_OP = 'DELETE' OR NEW.deleted_at IS NOT NULL THEN
    PERFORM post_count(OLD.post_id, 0, -1, 0);
  END IF;
  RETURN NULL;
END $$
"""


# ---- likes


@pytest.mark.rule("hamsaya:119", "hamsaya:128", "hamsaya:163")
def test_a_like_counts_once_and_can_be_taken_back(world: World) -> None:
    amina, karim = world.person(), world.person()
    comment = say(world, amina, write(world, amina))
    path = of(comment, "/like")
    for _ in range(2):
        got = world.post(path, karim)
        assert (got.status_code, got.json()) == (200, {"liked_by_me": True, "total_likes": 1})
    assert world.post(path, amina).json() == {"liked_by_me": True, "total_likes": 2}
    shown = [world.get(of(comment), who).json() for who in (karim, None)]
    assert [(one["liked_by_me"], one["total_likes"]) for one in shown] == [(True, 2), (False, 2)]
    for _ in range(2):
        got = world.delete(path, karim)
        assert (got.status_code, got.json()) == (200, {"liked_by_me": False, "total_likes": 1})
    assert world.sql("SELECT user_id FROM post_comment_likes") == [{"user_id": amina.id}]
    assert wrong_counters(world) == []


@pytest.mark.rule("hamsaya:125", "hamsaya:128")
def test_counters_do_not_drop_below_zero(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    top = say(world, amina, post)
    reply = answer(world, amina, top)
    world.post(of(top, "/like"), amina)
    change(world, "UPDATE post_comments SET total_likes = 0, total_replies = 0 WHERE id::text = $1", top)
    world.sql("UPDATE posts SET total_comments = 0 WHERE id::text = $1 RETURNING 1", post["id"])
    assert world.delete(of(top, "/like"), amina).json()["total_likes"] == 0
    remove(world, amina, reply)
    assert (
        row(world, top)["total_likes"],
        row(world, top)["total_replies"],
        total_comments(world, post),
    ) == (0, 0, 0)


def test_only_a_new_like_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []

    async def note(tx: Any, fact: CommentLiked) -> None:
        told.append(fact)

    monkeypatch.setitem(registry.by_fact, CommentLiked, ["tests.note:CommentLiked"])
    monkeypatch.setitem(registry.jobs, "tests.note:CommentLiked", Job("tests.note", note, CommentLiked))
    amina, karim = world.person(), world.person()
    comment = say(world, amina, write(world, amina))
    for _ in range(3):
        world.post(of(comment, "/like"), karim)
    world.drain()
    assert [(str(fact.comment_id), fact.user_id) for fact in told] == [(comment["id"], karim.id)]


# ---- comments and replies


def counts(world: World, post: Json, *comments: Json) -> list[int]:
    """total_comments of the post, total_replies of each comment."""
    return [total_comments(world, post), *(row(world, comment)["total_replies"] for comment in comments)]


@pytest.mark.rule("hamsaya:127", "hamsaya:129")
def test_every_comment_counts_for_the_post_and_each_reply_for_its_parent(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    top = say(world, karim, post)
    reply = answer(world, amina, top)
    deeper = answer(world, karim, reply)
    assert counts(world, post, top, reply, deeper) == [3, 1, 1, 0]
    assert world.get(f"{POSTS}/{post['id']}").json()["total_comments"] == 3
    assert world.get(of(top)).json()["total_replies"] == 1
    remove(world, karim, deeper)
    assert counts(world, post, top, reply) == [2, 1, 0]
    remove(world, karim, top)
    assert counts(world, post, top, reply) == [1, 1, 0]
    remove(world, amina, reply)
    assert counts(world, post, top, reply) == [0, 0, 0]
    assert wrong_counters(world) == []


@pytest.mark.rule("hamsaya:134", "hamsaya:127", "hamsaya:129")
def test_a_deletion_counts_exactly_once(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    top, _ = say(world, amina, post), say(world, amina, post)
    reply, other = answer(world, amina, top), answer(world, amina, top)
    world.post(of(reply, "/like"), amina)
    assert counts(world, post, top) == [4, 2]
    remove(world, amina, reply)
    once = [3, 1]
    assert counts(world, post, top) == once
    # Whatever happens to the deleted row or to its parent counts no more.
    for statement in (
        SOFT,
        "UPDATE post_comments SET text = 'x' WHERE id::text = $1",
        "UPDATE post_comments SET total_replies = total_replies, deleted_at = deleted_at WHERE id::text = $1",
        "DELETE FROM post_comment_likes WHERE comment_id::text = $1",
    ):
        change(world, statement, reply)
        assert counts(world, post, top) == once, statement
    change(world, RESTORE, reply)
    assert counts(world, post, top) == [4, 2]
    change(world, SOFT, reply)
    change(world, HARD, reply)
    assert counts(world, post, top) == once
    remove(world, amina, top)
    assert counts(world, post, top) == [2, 1]
    change(world, HARD, other)
    assert counts(world, post, top) == [1, 0]
    assert row(world, top)["gone"] is True
    change(world, HARD, top)
    assert counts(world, post) == [1]
    assert wrong_counters(world) == []


def test_control_counting_every_change_counts_a_deletion_twice(world: World) -> None:
    world.sql("DROP TRIGGER post_comments_count ON post_comments")
    world.sql(NAIVE)
    world.sql(
        "CREATE TRIGGER post_comments_count AFTER INSERT OR DELETE OR UPDATE ON post_comments"
        " FOR EACH ROW EXECUTE FUNCTION post_comments_count()"
    )
    amina = world.person()
    post = write(world, amina)
    for _ in range(3):
        comment = say(world, amina, post)
    remove(world, amina, comment)
    change(world, "UPDATE post_comments SET text = 'x' WHERE id::text = $1", comment)
    assert total_comments(world, post) == 1
    assert wrong_counters(world) != []


@pytest.mark.rule("hamsaya:134", "hamsaya:120")
def test_a_hard_delete_of_a_thread_counts_those_that_stood(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    stays, top = say(world, amina, post), say(world, amina, post)
    reply = answer(world, amina, top)
    for _ in range(3):
        answer(world, amina, reply)
    remove(world, amina, reply)
    assert total_comments(world, post) == 5
    change(world, HARD, top)
    assert total_comments(world, post) == 1
    assert wrong_counters(world) == []
    change(world, HARD, stays)
    world.sql("DELETE FROM posts WHERE id::text = $1 RETURNING 1", post["id"])
    assert world.sql("SELECT 1 FROM post_comments") == []


def test_many_rows_at_once_count_right(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    top = say(world, amina, post)
    for _ in range(3):
        answer(world, amina, answer(world, amina, top))
    world.sql("UPDATE post_comments SET deleted_at = now() RETURNING 1")
    assert (total_comments(world, post), wrong_counters(world)) == (0, [])
    assert world.sql("SELECT 1 FROM post_comments WHERE NOT gone") == []
    world.sql("UPDATE post_comments SET deleted_at = NULL RETURNING 1")
    assert (total_comments(world, post), wrong_counters(world)) == (7, [])


DEPTH = 800
CHAIN = """
WITH link AS (SELECT n, gen_random_uuid() AS id FROM generate_series(1, $2::int) AS n)
INSERT INTO post_comments (id, post_id, user_id, root_comment_id, parent_comment_id, text)
SELECT link.id, post.id, $1::uuid, CASE WHEN link.n > 1 THEN top.id END, above.id, link.n::text
FROM link JOIN link AS top ON top.n = 1 LEFT JOIN link AS above ON above.n = link.n - 1
CROSS JOIN (SELECT id FROM posts WHERE id::text = $3) AS post ORDER BY link.n RETURNING 1
"""


def test_a_very_deep_thread_can_still_be_deleted(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    world.sql(CHAIN, amina.id, DEPTH, post["id"])
    assert (total_comments(world, post), wrong_counters(world)) == (DEPTH, [])
    world.sql("UPDATE post_comments SET deleted_at = now() WHERE text <> $1 RETURNING 1", str(DEPTH))
    assert world.sql("SELECT count(*) AS n FROM post_comments WHERE gone") == [{"n": 0}]
    (leaf,) = world.sql("SELECT id::text FROM post_comments WHERE deleted_at IS NULL")
    remove(world, amina, leaf)
    assert world.sql("SELECT count(*) AS n FROM post_comments WHERE NOT gone") == [{"n": 0}]
    (top,) = world.sql("SELECT id::text FROM post_comments WHERE parent_comment_id IS NULL")
    change(world, HARD, top)
    assert world.sql("SELECT 1 FROM post_comments LIMIT 1") == []
