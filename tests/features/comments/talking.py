"""Comments as tests write them, and what the database counts."""

from typing import Any

from tests.features.posts.writing import POSTS
from tests.world import Person, World

COMMENTS = "/api/v1/comments"
Json = dict[str, Any]


def under(post: Json) -> str:
    """Where the comments of a post are."""
    return f"{POSTS}/{post['id']}/comments"


def of(comment: Json, verb: str = "") -> str:
    """Where a comment is."""
    return f"{COMMENTS}/{comment['id']}{verb}"


def say(world: World, who: Person, post: Json, text: str = "Warm still?", **fields: Any) -> Json:
    """A comment by somebody; its body as answered."""
    answer = world.post(under(post), who, {"text": text, **fields})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def answer(world: World, who: Person, comment: Json, text: str = "Yes.", **fields: Any) -> Json:
    """A reply by somebody; its body as answered."""
    got = world.post(of(comment, "/replies"), who, {"text": text, **fields})
    assert got.status_code == 201, got.text
    found: Json = got.json()
    return found


def remove(world: World, who: Person, comment: Json) -> None:
    """Delete a comment."""
    got = world.delete(of(comment), who)
    assert (got.status_code, got.content) == (204, b""), got.text


def listed(world: World, path: str, who: Person | None = None) -> list[Json]:
    """What a list holds."""
    got = world.get(path, who)
    assert got.status_code == 200, got.text
    found: list[Json] = got.json()["data"]
    return found


def ids(comments: list[Json]) -> list[str]:
    return [comment["id"] for comment in comments]


def total_comments(world: World, post: Json) -> int:
    return int(
        world.sql("SELECT total_comments FROM posts WHERE id::text = $1", post["id"])[0]["total_comments"]
    )


def row(world: World, comment: Json) -> Json:
    """What is stored of a comment, behind the scenes."""
    return world.sql(
        "SELECT total_likes, total_replies, gone, deleted_at, text FROM post_comments WHERE id::text = $1",
        comment["id"],
    )[0]


def change(world: World, statement: str, comment: Json) -> None:
    """Run a statement past the door: $1 is the comment's id."""
    world.sql(f"WITH changed AS ({statement} RETURNING 1) SELECT count(*) FROM changed", comment["id"])


def wrong_counters(world: World) -> list[Json]:
    """Comments and posts whose counters are not what their rows say; none may be."""
    return world.sql(
        """SELECT c.id::text AS thing FROM post_comments c
        WHERE total_likes <> (SELECT count(*) FROM post_comment_likes WHERE comment_id = c.id)
          OR total_replies <>
            (SELECT count(*) FROM post_comments WHERE parent_comment_id = c.id AND deleted_at IS NULL)
          OR gone <> (deleted_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM post_comments WHERE parent_comment_id = c.id AND NOT gone))
        UNION ALL SELECT p.id::text FROM posts p
        WHERE total_comments <>
          (SELECT count(*) FROM post_comments WHERE post_id = p.id AND deleted_at IS NULL)"""
    )
