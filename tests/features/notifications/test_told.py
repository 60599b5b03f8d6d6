"""Who is told of what."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from majlis.features.comments.facts import CommentLiked, CommentPublished
from majlis.features.graph.facts import UserFollowed
from majlis.features.notifications import handlers
from majlis.features.posts.facts import PostPublished
from majlis.features.reactions.facts import PostLiked, PostShared
from majlis.kit import clock
from tests.features.graph.test_people import suspend
from tests.features.moderation.test_reports import comment
from tests.features.posts.writing import write
from tests.world import Person, World


def told(world: World, who: Person) -> list[dict[str, Any]]:
    """What somebody is told, newest first, once all jobs have run."""
    world.drain()
    answer = world.get("/api/v1/notifications", who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def kinds(world: World, who: Person) -> list[str]:
    return [note["type"] for note in told(world, who)]


def do(world: World, who: Person, verb: str, post: dict[str, Any]) -> None:
    answer = world.post(f"/api/v1/posts/{post['id']}/{verb}", who, {} if verb == "share" else None)
    assert answer.status_code in (200, 201), answer.text


# ---- what is told


@pytest.mark.rule("hamsaya:153")
def test_a_follower_is_told_of(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    world.post(f"/api/v1/users/{amina.id}/follow", karim)
    (note,) = told(world, amina)
    contract = {"id", "user_id", "type", "title", "message", "data", "read", "created_at"}
    assert set(note) == {*contract, "actor"}
    assert (note["actor"]["id"], note["actor"]["first_name"]) == (str(karim.id), "Karim")
    assert (note["user_id"], note["type"], note["read"]) == (str(amina.id), "USER_FOLLOW", False)
    assert (note["title"], note["message"]) == ("New follower", "Karim Test follows you.")
    assert note["data"] == {"user_id": str(karim.id)}
    assert told(world, karim) == []


def test_likes_and_shares_are_told_to_the_author(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    post = write(world, amina)
    do(world, karim, "like", post)
    do(world, karim, "share", post)
    share, like = told(world, amina)
    assert (like["type"], like["message"]) == ("POST_LIKE", "Karim Test liked your post.")
    assert like["data"] == {"user_id": str(karim.id), "post_id": post["id"]}
    assert (share["type"], share["message"]) == ("POST_SHARE", "Karim Test shared your post.")
    assert set(share["data"]) == {"user_id", "post_id", "shared_post_id"}
    assert world.get(f"/api/v1/posts/{share['data']['shared_post_id']}", amina).json()["user_id"] == str(
        karim.id
    )
    assert told(world, karim) == []


def test_comments_and_replies_are_told_to_whom_they_answer(world: World) -> None:
    amina, karim, third = world.person("Amina"), world.person("Karim"), world.person("Third")
    post = write(world, amina)["id"]
    said = comment(world, karim, post)
    reply = comment(world, third, post, said)
    first, second = told(world, amina)[::-1]
    assert (first["type"], first["message"]) == ("POST_COMMENT", "Karim Test commented on your post.")
    assert first["data"] == {"user_id": str(karim.id), "post_id": post, "comment_id": said}
    assert (second["type"], second["data"]["comment_id"]) == ("POST_COMMENT", reply)
    (answered,) = told(world, karim)
    assert (answered["type"], answered["message"]) == ("COMMENT_REPLY", "Third Test replied to your comment.")
    assert answered["data"] == {
        "user_id": str(third.id), "post_id": post, "comment_id": reply, "parent_comment_id": said,
    }  # fmt: skip
    assert told(world, third) == []


def test_an_author_whose_comment_is_replied_to_is_told_once(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)["id"]
    said = comment(world, amina, post)
    comment(world, karim, post, said)
    assert kinds(world, amina) == ["COMMENT_REPLY"]
    comment(world, karim, post, comment(world, karim, post))
    assert kinds(world, amina) == ["POST_COMMENT", "POST_COMMENT", "COMMENT_REPLY"]
    assert told(world, karim) == []


def test_a_liked_comment_is_told_to_its_writer(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    post = write(world, amina)["id"]
    said = comment(world, karim, post)
    for who in (karim, amina):
        assert world.post(f"/api/v1/comments/{said}/like", who).status_code == 200
    (note,) = told(world, karim)
    assert (note["type"], note["message"]) == ("COMMENT_LIKE", "Amina Test liked your comment.")
    assert note["data"] == {"user_id": str(amina.id), "post_id": post, "comment_id": said}


def test_nothing_is_told_of_comments_that_are_gone_or_out_of_sight(world: World) -> None:
    amina, karim, third = world.person(), world.person(), world.person()
    post, other = write(world, amina)["id"], write(world, amina)["id"]
    said = comment(world, karim, post)
    assert kinds(world, amina) == ["POST_COMMENT"]
    comment(world, third, post, said)
    world.post(f"/api/v1/users/{karim.id}/block", amina)  # the post is hidden from Karim now
    assert told(world, karim) == []
    gone = comment(world, third, other)
    world.post(f"/api/v1/comments/{gone}/like", amina)
    assert world.delete(f"/api/v1/comments/{gone}", third).status_code == 204
    assert kinds(world, amina) == ["POST_COMMENT"]
    assert told(world, third) == []


def test_somebody_without_a_name_is_somebody(world: World) -> None:
    amina, karim = world.person("Amina"), world.person()
    world.put("/api/v1/users/me", karim, {"first_name": None, "last_name": None})
    world.post(f"/api/v1/users/{amina.id}/follow", karim)
    assert told(world, amina)[0]["message"] == "Somebody follows you."


@pytest.mark.rule("hamsaya:137")
def test_a_vote_is_told_to_the_author_once(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    post = write(world, amina, "PULL")
    first, second = (option["id"] for option in post["poll"]["options"])
    for option in (first, second):
        answer = world.post(f"/api/v1/polls/{post['poll']['id']}/vote", karim, {"poll_option_id": option})
        assert answer.status_code == 200, answer.text
    (note,) = told(world, amina)
    assert (note["type"], note["message"]) == ("POLL_VOTE", "Karim Test voted in your poll.")
    assert note["data"] == {"user_id": str(karim.id), "post_id": post["id"]}


# ---- new posts


def follow(world: World, who: Person, whom: Person) -> None:
    assert world.post(f"/api/v1/users/{whom.id}/follow", who).status_code == 200
    world.drain()


def news(world: World, who: Person) -> list[str]:
    """The posts that somebody is told are new."""
    return [note["data"]["post_id"] for note in told(world, who) if note["type"] == "POST_PUBLISHED"]


def test_followers_are_told_of_new_posts_that_they_may_see(world: World) -> None:
    amina, karim, friend = world.person("Amina"), world.person(), world.person()
    for who in (karim, friend):
        follow(world, who, amina)
    follow(world, amina, friend)
    public = write(world, amina)
    write(world, amina, visibility="PRIVATE")
    write(world, amina, status=False)
    friends = write(world, amina, visibility="FRIENDS")
    assert news(world, karim) == [public["id"]]
    assert news(world, friend) == [friends["id"], public["id"]]
    assert news(world, amina) == news(world, world.person()) == []
    note = told(world, karim)[0]
    assert (note["title"], note["message"]) == ("New post", "Amina Test published a post.")
    assert note["data"] == {"user_id": str(amina.id), "post_id": public["id"]}


def test_followers_who_do_not_want_it_are_not_told(world: World) -> None:
    amina, off, muting, blocked, gone = (world.person() for _ in range(5))
    for who in (off, muting, blocked, gone):
        follow(world, who, amina)
    world.put(
        "/api/v1/settings/notifications", off, {"category": "POSTS", "push_pref": False, "in_app_pref": False}
    )
    world.post(f"/api/v1/users/{amina.id}/mute", muting)
    world.sql(
        "INSERT INTO user_blocks (blocker_id, blocked_id) VALUES ($1, $2) RETURNING 1", amina.id, blocked.id
    )
    world.sql("UPDATE profiles SET deleted_at = now() WHERE id = $1 RETURNING 1", gone.id)
    write(world, amina)
    world.drain()
    assert world.sql("SELECT 1 FROM notifications WHERE type = 'POST_PUBLISHED'") == []


def test_many_followers_are_told_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina = world.person()
    followers = [world.person() for _ in range(7)]
    for who in followers:
        follow(world, who, amina)
    monkeypatch.setattr(handlers.service.store, "BATCH", 3)
    sql = handlers.service.store.ANNOUNCE.sql
    monkeypatch.setattr(handlers.service.store.ANNOUNCE, "sql", sql.replace("LIMIT 500", "LIMIT 3"))
    post = write(world, amina)
    assert all(news(world, who) == [post["id"]] for who in followers)
    world.go(_publish_again(world, UUID(post["id"]), amina))
    assert all(news(world, who) == [post["id"]] for who in followers), "once, however often it is told"


async def _publish_again(world: World, post_id: UUID, author: Person) -> None:
    async with world.app.db.tx() as tx:
        await handlers.tell_of_post(tx, PostPublished(post_id, author.id))


def test_a_post_in_the_name_of_a_business_is_told_to_its_followers(world: World) -> None:
    amina, karim, friend = world.person("Amina"), world.person(), world.person()
    follow(world, friend, amina)
    (business,) = world.sql(
        "INSERT INTO business_profiles (id, user_id, name) VALUES (gen_random_uuid(), $1, 'Bakery') RETURNING id",
        amina.id,
    )
    assert world.post(f"/api/v1/businesses/{business['id']}/follow", karim).status_code == 200
    post = write(world, amina, business_id=str(business["id"]))
    assert (news(world, karim), news(world, friend)) == ([post["id"]], [])


# ---- how long it stays


@pytest.mark.settings(notification_days=30)
def test_old_notifications_are_deleted(world: World) -> None:
    amina = world.person()
    _follow_again_and_purge(world, amina, days=29)
    assert len(told(world, amina)) == 1
    _follow_again_and_purge(world, amina, days=31)
    assert told(world, amina) == []


@pytest.mark.settings(notification_days=0)
def test_without_a_limit_they_stay(world: World) -> None:
    amina = world.person()
    _follow_again_and_purge(world, amina, days=5000)
    assert len(told(world, amina)) == 1


def _follow_again_and_purge(world: World, amina: Person, days: int) -> None:
    if not world.sql("SELECT 1 FROM notifications"):
        follow(world, world.person(), amina)
    with clock.shifted(timedelta(days=days)):
        world.go(handlers.purge(world.app))


# ---- what is not told


@pytest.mark.rule("hamsaya:157")
def test_nobody_is_told_of_what_they_did_themselves(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    do(world, amina, "like", post)
    do(world, amina, "share", post)
    assert told(world, amina) == []
    assert world.sql("SELECT 1 FROM notifications") == []


@pytest.mark.rule("hamsaya:149")
@pytest.mark.parametrize("blocker", [0, 1])
def test_nothing_is_told_across_a_block_and_what_was_told_disappears(world: World, blocker: int) -> None:
    pair = amina, karim = world.person(), world.person()
    post, second = write(world, amina), write(world, amina)
    do(world, karim, "like", post)
    assert kinds(world, amina) == ["POST_LIKE"]
    do(world, karim, "like", second)
    world.post(f"/api/v1/users/{pair[1 - blocker].id}/block", pair[blocker])
    assert told(world, amina) == []
    assert world.get("/api/v1/notifications/unread-count", amina).json() == {"unread_count": 0}
    world.delete(f"/api/v1/users/{pair[1 - blocker].id}/block", pair[blocker])
    assert [note["data"]["post_id"] for note in told(world, amina)] == [post["id"]]


def test_nothing_is_told_of_posts_and_people_that_are_gone(world: World) -> None:
    amina, karim, third = world.person(), world.person(), world.person()
    post = write(world, amina)
    do(world, karim, "like", post)
    assert world.delete(f"/api/v1/posts/{post['id']}", amina).status_code == 204
    world.post(f"/api/v1/users/{amina.id}/follow", karim)
    world.post(f"/api/v1/users/{amina.id}/follow", third)
    suspend(world, karim)
    assert world.delete("/api/v1/users/me/account?reason=bye", third).status_code == 204
    assert told(world, amina) == []


def test_what_was_told_of_the_suspended_returns_with_them(world: World) -> None:
    amina, karim = world.person(), world.person()
    world.post(f"/api/v1/users/{amina.id}/follow", karim)
    assert kinds(world, amina) == ["USER_FOLLOW"]
    suspend(world, karim)
    assert kinds(world, amina) == []
    suspend(world, karim, False)
    assert kinds(world, amina) == ["USER_FOLLOW"]


@pytest.mark.rule("x18:D12")
def test_what_is_undone_is_withdrawn_while_unread_and_told_once_in_all(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    for _ in range(3):
        do(world, karim, "like", post)
        world.post(f"/api/v1/users/{amina.id}/follow", karim)
        assert sorted(kinds(world, amina)) == ["POST_LIKE", "USER_FOLLOW"]
        assert unread(world, amina) == 2
        world.delete(f"/api/v1/posts/{post['id']}/like", karim)
        world.delete(f"/api/v1/users/{amina.id}/follow", karim)
        assert kinds(world, amina) == []
        assert unread(world, amina) == 0
    assert len(world.sql("SELECT 1 FROM notifications WHERE user_id = $1", amina.id)) == 2


@pytest.mark.rule("x18:D12")
def test_what_was_read_stays_when_it_is_undone(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    do(world, karim, "like", post)
    world.post(f"/api/v1/users/{amina.id}/follow", karim)
    kinds(world, amina)
    world.put("/api/v1/notifications/read-all", amina)
    world.delete(f"/api/v1/posts/{post['id']}/like", karim)
    world.delete(f"/api/v1/users/{amina.id}/follow", karim)
    assert sorted(kinds(world, amina)) == ["POST_LIKE", "USER_FOLLOW"]


@pytest.mark.rule("x18:D12")
def test_what_is_undone_before_it_is_told_is_never_told(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    world.drain()
    do(world, karim, "like", post)
    world.post(f"/api/v1/users/{amina.id}/follow", karim)
    world.delete(f"/api/v1/posts/{post['id']}/like", karim)
    world.delete(f"/api/v1/users/{amina.id}/follow", karim)
    assert kinds(world, amina) == []
    assert world.sql("SELECT 1 FROM notifications") == []


def test_a_block_withdraws_what_a_follow_told(world: World) -> None:
    amina, karim = world.person(), world.person()
    world.post(f"/api/v1/users/{amina.id}/follow", karim)
    assert kinds(world, amina) == ["USER_FOLLOW"]
    world.post(f"/api/v1/users/{karim.id}/block", amina)
    world.drain()
    world.delete(f"/api/v1/users/{karim.id}/block", amina)
    assert kinds(world, amina) == []


def unread(world: World, who: Person) -> int:
    return int(world.get("/api/v1/notifications/unread-count", who).json()["unread_count"])


# ---- delivery


def test_a_fact_that_comes_again_changes_nothing(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = UUID(write(world, amina)["id"])
    mine, theirs = UUID(comment(world, amina, str(post))), UUID(comment(world, karim, str(post)))
    world.post(f"/api/v1/users/{amina.id}/follow", karim)
    world.post(f"/api/v1/posts/{post}/like", karim)
    cases = [
        (handlers.tell_of_follower, UserFollowed(karim.id, amina.id)),
        (handlers.tell_of_like, PostLiked(post, karim.id)),
        (handlers.tell_of_share, PostShared(post, karim.id, None)),
        (handlers.tell_of_comment, CommentPublished(theirs, post, karim.id, None)),
        (handlers.tell_of_comment_like, CommentLiked(mine, karim.id)),
    ]

    async def deliver() -> None:
        for handler, fact in cases:
            async with world.app.db.tx() as tx:
                await handler(tx, fact)

    world.go(deliver())
    first = told(world, amina)
    assert len(first) == len(cases)
    world.put("/api/v1/notifications/read-all", amina)
    world.go(deliver())
    assert told(world, amina) == [{**note, "read": True} for note in first]


def test_facts_of_what_never_was_are_passed_over(world: World) -> None:
    nobody = uuid4()

    async def deliver() -> None:
        async with world.app.db.tx() as tx:
            await handlers.tell_of_follower(tx, UserFollowed(nobody, nobody))
            await handlers.tell_of_like(tx, PostLiked(nobody, nobody))
            await handlers.tell_of_share(tx, PostShared(nobody, nobody, nobody))
            await handlers.tell_of_comment(tx, CommentPublished(nobody, nobody, nobody, nobody))
            await handlers.tell_of_comment_like(tx, CommentLiked(nobody, nobody))

    world.go(deliver())
    assert world.sql("SELECT 1 FROM notifications") == []


def _deliver_at_once(world: World) -> int:
    amina, karim = world.person(), world.person()
    world.post(f"/api/v1/users/{amina.id}/follow", karim)
    fact = UserFollowed(karim.id, amina.id)

    async def deliver() -> None:
        async with world.app.db.tx() as tx:
            await handlers.tell_of_follower(tx, fact)

    async def run() -> None:
        await asyncio.gather(*(deliver() for _ in range(8)))

    world.go(run())
    return len(world.get("/api/v1/notifications", amina).json()["data"])


def test_a_fact_delivered_by_many_workers_at_once_is_told_once(clone: World) -> None:
    assert _deliver_at_once(clone) == 1


def test_control_without_the_unique_key_it_is_told_many_times(clone: World) -> None:
    clone.sql("ALTER TABLE notifications DROP CONSTRAINT told_once")
    assert _deliver_at_once(clone) == 8
