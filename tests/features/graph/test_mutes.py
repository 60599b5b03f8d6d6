"""Muting: whose posts leave one's feeds, and who is not heard of."""

import pytest

from tests.features.graph.test_follows import follow
from tests.features.graph.test_people import suspend
from tests.features.queries import counted
from tests.world import Person, World

MUTED = "/api/v1/users/me/muted"


def mute(world: World, who: Person, whom: Person) -> None:
    answer = world.post(f"/api/v1/users/{whom.id}/mute", who)
    assert (answer.status_code, answer.json()) == (200, {"is_muted": True})


def ids(world: World, path: str, viewer: Person | None = None) -> list[str]:
    answer = world.get(path, viewer)
    assert answer.status_code == 200, answer.text
    return [found["id"] for found in answer.json()["data"]]


def post(world: World, who: Person, text: str = "bread") -> str:
    where = {"lat": 34.5, "lng": 69.2}
    body = {"type": "FEED", "description": text, "address_location": where, "is_location": True}
    answer = world.post("/api/v1/posts", who, body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


FEEDS = ["/api/v1/posts", "/api/v1/posts/trending", "/api/v1/posts/nearby?lat=34.5&lng=69.2"]


@pytest.mark.parametrize("feed", FEEDS)
def test_posts_of_the_muted_leave_the_muters_feeds_and_come_back(world: World, feed: str) -> None:
    amina, karim, third = world.person(), world.person(), world.person()
    follow(world, karim, amina)
    one, other = post(world, amina), post(world, third)
    assert set(ids(world, feed, karim)) == {one, other}
    mute(world, karim, amina)
    assert ids(world, feed, karim) == [other]
    for viewer in (None, third, amina):
        assert set(ids(world, feed, viewer)) == {one, other}
    total = world.get(
        feed,
        karim,
        params={**dict(p.split("=") for p in feed.partition("?")[2].split("&") if p), "offset": 0},
    )
    assert total.json()["total"] == 1
    assert world.delete(f"/api/v1/users/{amina.id}/mute", karim).json() == {"is_muted": False}
    assert set(ids(world, feed, karim)) == {one, other}


def test_a_feed_of_muted_people_only_goes_on_to_others(world: World) -> None:
    """A page does not end at what is hidden."""
    amina, karim, third = world.person(), world.person(), world.person()
    wanted = post(world, third)
    for _ in range(4):
        post(world, amina)
    mute(world, karim, amina)
    assert ids(world, "/api/v1/posts?limit=2", karim) == [wanted]


def test_what_is_asked_for_by_itself_is_still_there(world: World) -> None:
    amina, karim = world.person(), world.person()
    made = post(world, amina, "saffron")
    world.post(f"/api/v1/posts/{made}/bookmark", karim)
    mute(world, karim, amina)
    assert world.get(f"/api/v1/posts/{made}", karim).status_code == 200
    for path in (
        f"/api/v1/users/{amina.id}/posts",
        f"/api/v1/posts?user_id={amina.id}",
        "/api/v1/users/me/bookmarks",
        "/api/v1/posts/search?q=saffron",
    ):
        assert ids(world, path, karim) == [made], path


def test_the_muted_is_not_heard_of(world: World) -> None:
    amina, karim, third = world.person("Amina"), world.person("Karim"), world.person("Third")
    made = post(world, karim)
    mute(world, karim, amina)
    for who in (amina, third):
        follow(world, who, karim)
        world.post(f"/api/v1/posts/{made}/like", who)
        world.post(f"/api/v1/posts/{made}/comments", who, {"text": "well said"})
    world.drain()
    told = world.get("/api/v1/notifications", karim).json()
    assert {note["message"].split()[0] for note in told["data"]} == {"Third"}
    assert told["unread_count"] == 3
    # What the other side is told of stays.
    world.post(f"/api/v1/posts/{post(world, amina)}/like", karim)
    world.drain()
    told = world.get("/api/v1/notifications?type=POST_LIKE", amina).json()
    assert [note["message"] for note in told["data"]] == ["Karim Test liked your post."]


def test_the_muted_does_not_learn_of_it(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    follow(world, karim, amina)
    follow(world, amina, karim)
    post(world, karim)
    paths = [
        f"/api/v1/users/{karim.id}", f"/api/v1/users/{karim.id}/followers", f"/api/v1/users/{karim.id}/following",
        "/api/v1/posts", f"/api/v1/users/{karim.id}/posts", "/api/v1/users/search?q=karim", "/api/v1/users/me",
        "/api/v1/users/me/muted", f"/api/v1/users/{karim.id}/blocked", "/api/v1/notifications",
    ]  # fmt: skip
    world.drain()
    before = [world.get(path, amina).json() for path in paths]
    mute(world, karim, amina)
    world.drain()
    assert [world.get(path, amina).json() for path in paths] == before
    assert world.get(f"/api/v1/users/{amina.id}", karim).json()["is_muted"] is True


def test_muting_again_changes_nothing_and_is_listed_latest_first(world: World) -> None:
    karim = world.person()
    people = [world.person() for _ in range(3)]
    for person in people:
        mute(world, karim, person)
        mute(world, karim, person)
    expected = [str(person.id) for person in reversed(people)]
    with counted(world) as seen:
        assert ids(world, MUTED, karim) == expected
    assert len(seen) == 1
    body = world.get(MUTED + "?limit=2&offset=0", karim).json()
    assert ([one["id"] for one in body["data"]], body["total"]) == (expected[:2], 3)
    assert ids(world, f"{MUTED}?limit=2&cursor={body['next_cursor']}", karim) == expected[2:]
    for person in people[:2]:
        for _ in range(2):
            answer = world.delete(f"/api/v1/users/{person.id}/mute", karim)
            assert (answer.status_code, answer.json()) == (200, {"is_muted": False})
    assert ids(world, MUTED, karim) == expected[:1]


def test_whom_one_cannot_mute(world: World) -> None:
    amina, karim = world.person(), world.person()
    for act in (world.post, world.delete):
        for oneself in (karim.id, "me"):
            answer = act(f"/api/v1/users/{oneself}/mute", karim)
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "oneself")
        for nobody in ("00000000-0000-4000-8000-000000000000", "nobody"):
            assert act(f"/api/v1/users/{nobody}/mute", karim).status_code == 404
        assert act(f"/api/v1/users/{amina.id}/mute").status_code == 401
    assert world.get(MUTED).status_code == 401
    world.post(f"/api/v1/users/{karim.id}/block", amina)
    assert world.post(f"/api/v1/users/{amina.id}/mute", karim).status_code == 404
    with pytest.raises(Exception, match="no_self_mute"):
        world.sql("INSERT INTO user_mutes VALUES ($1, $1) RETURNING 1", amina.id)


def test_whom_one_meets_no_more_leaves_the_list(world: World) -> None:
    karim, blocker, gone, left = (world.person() for _ in range(4))
    for person in (blocker, gone, left):
        mute(world, karim, person)
    world.post(f"/api/v1/users/{karim.id}/block", blocker)
    suspend(world, gone)
    world.delete("/api/v1/users/me/account?reason=bye", left)
    assert ids(world, MUTED, karim) == []
    world.drain()
    assert {row["muted_id"] for row in world.sql("SELECT * FROM user_mutes")} == {blocker.id, gone.id}
    # Who blocks the muter can be unmuted all the same.
    assert world.delete(f"/api/v1/users/{blocker.id}/mute", karim).status_code == 200
    assert world.delete(f"/api/v1/users/{blocker.id}/mute", karim).status_code == 404
