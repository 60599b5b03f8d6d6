"""Following, blocking, and their lists."""

import json

import pytest

from tests.world import Person, World


def follow(world: World, who: Person, whom: Person) -> None:
    assert world.post(f"/api/v1/users/{whom.id}/follow", who).status_code == 200


def following(count: int) -> dict[str, object]:
    return {"is_following": True, "followers_count": count, "state": "following"}


def none(count: int) -> dict[str, object]:
    return {"is_following": False, "followers_count": count, "state": "none"}


def listed(world: World, path: str, viewer: Person | None = None) -> list[str]:
    answer = world.get(path, viewer)
    assert answer.status_code == 200, answer.text
    return [entry["user"]["id"] for entry in answer.json()["data"]]


def jobs(world: World) -> list[dict[str, str]]:
    rows = world.sql("SELECT payload FROM pgqueuer WHERE entrypoint LIKE '%:UserFollowed'")
    return [json.loads(row["payload"]) for row in rows]


# ---- following


@pytest.mark.rule("hamsaya:147", "hamsaya:163")
def test_following_counts_once_and_is_taken_back_once(world: World) -> None:
    amina, karim = world.person(), world.person()
    path = f"/api/v1/users/{amina.id}/follow"
    for _ in range(2):
        answer = world.post(path, karim)
        assert (answer.status_code, answer.json()) == (200, following(1))
    assert world.get("/api/v1/users/me", karim).json()["following_count"] == 1
    for _ in range(2):
        answer = world.delete(path, karim)
        assert (answer.status_code, answer.json()) == (200, none(0))
    me = world.get("/api/v1/users/me", karim).json()
    assert (me["following_count"], me["followers_count"]) == (0, 0)


def test_a_new_follow_is_a_fact_and_a_repeated_one_is_not(world: World) -> None:
    amina, karim = world.person(), world.person()
    follow(world, karim, amina)
    before = jobs(world)
    assert before
    assert all(job == {"follower_id": str(karim.id), "following_id": str(amina.id)} for job in before)
    follow(world, karim, amina)
    world.delete(f"/api/v1/users/{amina.id}/follow", karim)
    assert jobs(world) == before
    follow(world, karim, amina)
    assert jobs(world) == before * 2


@pytest.mark.parametrize("verb", ["follow", "block"])
def test_nobody_follows_or_blocks_themselves(world: World, verb: str) -> None:
    amina = world.person()
    for who in (amina.id, "me"):
        for act in (world.post, world.delete):
            answer = act(f"/api/v1/users/{who}/{verb}", amina)
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "oneself")


@pytest.mark.rule("hamsaya:147", "hamsaya:148")
def test_the_database_refuses_oneself_too(world: World) -> None:
    amina = world.person()
    for table in ("user_follows", "user_blocks"):
        with pytest.raises(Exception, match="no_self_"):
            world.sql(f"INSERT INTO {table} VALUES ($1, $1) RETURNING 1", amina.id)


@pytest.mark.parametrize("verb", ["follow", "block"])
def test_only_the_signed_in_follow_and_block(world: World, verb: str) -> None:
    amina = world.person()
    assert world.post(f"/api/v1/users/{amina.id}/{verb}").status_code == 401
    assert world.delete(f"/api/v1/users/{amina.id}/{verb}").status_code == 401
    assert world.get(f"/api/v1/users/{amina.id}/blocked").status_code == 401
    assert world.get("/api/v1/users/me/blocked").status_code == 401
    for lists in ("followers", "following"):
        assert world.get(f"/api/v1/users/me/{lists}").status_code == 401


@pytest.mark.rule("hamsaya:147")
def test_followers_and_following_are_listed_latest_first(world: World) -> None:
    amina, *fans = (world.person() for _ in range(4))
    for fan in fans:
        follow(world, fan, amina)
    follow(world, amina, fans[0])
    expected = [str(fan.id) for fan in reversed(fans)]
    for viewer in (None, amina, fans[1]):
        assert listed(world, f"/api/v1/users/{amina.id}/followers", viewer) == expected
        assert listed(world, f"/api/v1/users/{amina.id}/following", viewer) == [str(fans[0].id)]
    assert listed(world, "/api/v1/users/me/followers", amina) == expected
    assert listed(world, "/api/v1/users/me/following", fans[2]) == [str(amina.id)]
    entry = world.get("/api/v1/users/me/followers?limit=1", amina).json()["data"][0]
    assert set(entry) == {"user", "created_at"}
    assert (entry["user"]["is_following"], entry["user"]["follows_me"]) == (False, True)


def test_lists_go_on_by_cursor_or_offset(world: World) -> None:
    amina = world.person()
    fans = [world.person() for _ in range(5)]
    for fan in fans:
        follow(world, fan, amina)
    # The same moment for three of them: the id decides then.
    world.sql(
        "UPDATE user_follows SET created_at = $1 WHERE follower_id = ANY($2) RETURNING 1", *tied(world, fans)
    )
    path = f"/api/v1/users/{amina.id}/followers?limit=2"
    by_cursor, cursor = [], ""
    for _ in range(3):
        answer = world.get(path + cursor).json()
        assert "total" not in answer
        by_cursor += [entry["user"]["id"] for entry in answer["data"]]
        cursor = f"&cursor={answer['next_cursor']}"
    assert answer["next_cursor"] is None
    assert sorted(by_cursor) == sorted(str(fan.id) for fan in fans)
    by_offset = []
    for offset in (0, 2, 4):
        answer = world.get(f"{path}&offset={offset}").json()
        assert answer["total"] == 5
        by_offset += [entry["user"]["id"] for entry in answer["data"]]
    assert by_offset == by_cursor
    whole = world.get(f"/api/v1/users/{amina.id}/followers").json()
    assert [entry["user"]["id"] for entry in whole["data"]] == by_cursor
    assert world.get(f"{path}&cursor=forged").status_code == 400


def tied(world: World, fans: list[Person]) -> tuple[object, list[object]]:
    (row,) = world.sql("SELECT max(created_at) AS at FROM user_follows")
    return row["at"], [fan.id for fan in fans[1:4]]


def test_a_page_of_hidden_people_does_not_end_a_list(world: World) -> None:
    amina, viewer = world.person(), world.person()
    fans = [world.person() for _ in range(5)]
    for fan in fans:
        follow(world, fan, amina)
    for fan in fans[2:]:
        world.post(f"/api/v1/users/{viewer.id}/block", fan)
    page = world.get(f"/api/v1/users/{amina.id}/followers?limit=2&offset=0", viewer).json()
    assert [entry["user"]["id"] for entry in page["data"]] == [str(fans[1].id), str(fans[0].id)]
    assert (page["next_cursor"], page["total"]) == (None, 2)


# ---- blocking


@pytest.mark.rule("hamsaya:148", "hamsaya:163")
def test_blocking_is_said_once_and_taken_back(world: World) -> None:
    amina, karim = world.person(), world.person()
    path = f"/api/v1/users/{karim.id}/block"
    check = f"/api/v1/users/{karim.id}/blocked"
    assert world.get(check, amina).json() == {"is_blocked": False}
    for _ in range(2):
        answer = world.post(path, amina)
        assert (answer.status_code, answer.json()) == (200, {"is_blocked": True})
    assert world.get(check, amina).json() == {"is_blocked": True}
    assert [row["n"] for row in world.sql("SELECT count(*) AS n FROM user_blocks")] == [1]
    for _ in range(2):
        answer = world.delete(path, amina)
        assert (answer.status_code, answer.json()) == (200, {"is_blocked": False})
    assert world.get(check, amina).json() == {"is_blocked": False}


@pytest.mark.rule("hamsaya:149")
def test_blocking_ends_follows_both_ways_with_their_counters(world: World) -> None:
    amina, karim, third = world.person(), world.person(), world.person()
    follow(world, amina, karim)
    follow(world, karim, amina)
    follow(world, third, amina)
    world.post(f"/api/v1/users/{karim.id}/block", amina)
    counts = {
        row["id"]: (row["followers_count"], row["following_count"])
        for row in world.sql("SELECT * FROM profiles")
    }
    assert counts == {amina.id: (1, 0), karim.id: (0, 0), third.id: (0, 1)}
    world.delete(f"/api/v1/users/{karim.id}/block", amina)
    assert listed(world, "/api/v1/users/me/followers", amina) == [str(third.id)]


@pytest.mark.rule("hamsaya:149")
def test_neither_follows_the_other_while_one_blocks(world: World) -> None:
    amina, karim = world.person(), world.person()
    world.post(f"/api/v1/users/{karim.id}/block", amina)
    for who, whom in ((amina, karim), (karim, amina)):
        answer = world.post(f"/api/v1/users/{whom.id}/follow", who)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "blocked")
    assert world.delete(f"/api/v1/users/{karim.id}/follow", amina).json()["is_following"] is False
    assert world.delete(f"/api/v1/users/{amina.id}/follow", karim).status_code == 404
    world.delete(f"/api/v1/users/{karim.id}/block", amina)
    follow(world, karim, amina)


@pytest.mark.rule("hamsaya:149")
def test_the_blocked_do_not_see_the_blocker_and_neither_meets_the_other_in_lists(world: World) -> None:
    amina, karim, third = world.person(), world.person(), world.person()
    follow(world, amina, third)
    follow(world, karim, third)
    follow(world, third, amina)
    world.post(f"/api/v1/users/{karim.id}/block", amina)
    for path in ("", "/followers", "/following", "/blocked"):
        assert world.get(f"/api/v1/users/{amina.id}{path}", karim).status_code == 404
    assert world.get(f"/api/v1/users/{karim.id}", amina).json()["is_blocked"] is True
    assert listed(world, f"/api/v1/users/{third.id}/followers", karim) == [str(karim.id)]
    assert listed(world, f"/api/v1/users/{third.id}/followers", amina) == [str(amina.id)]
    assert listed(world, f"/api/v1/users/{third.id}/followers", third) == [str(karim.id), str(amina.id)]
    assert listed(world, f"/api/v1/users/{third.id}/following", karim) == []
    assert listed(world, f"/api/v1/users/{third.id}/following") == [str(amina.id)]


@pytest.mark.rule("hamsaya:148")
def test_the_blocked_can_block_back_and_each_lists_only_their_own(world: World) -> None:
    amina, karim, third = world.person(), world.person(), world.person()
    world.post(f"/api/v1/users/{karim.id}/block", amina)
    assert world.post(f"/api/v1/users/{amina.id}/block", karim).json() == {"is_blocked": True}
    world.post(f"/api/v1/users/{third.id}/block", amina)

    def mine(who: Person) -> list[str]:
        return [person["id"] for person in world.get("/api/v1/users/me/blocked", who).json()["data"]]

    assert mine(amina) == [str(third.id), str(karim.id)]
    assert mine(karim) == [str(amina.id)]
    assert mine(third) == []
    page = world.get("/api/v1/users/me/blocked?limit=1&offset=1", amina).json()
    assert ([person["id"] for person in page["data"]], page["total"]) == ([str(karim.id)], 2)
    assert world.get(f"/api/v1/users/{amina.id}/blocked", karim).json() == {"is_blocked": True}
    assert world.delete(f"/api/v1/users/{karim.id}/block", amina).json() == {"is_blocked": False}
    assert mine(karim) == [str(amina.id)]
