"""People as others see them, and looking for them."""

from uuid import uuid4

import pytest

from majlis.features.graph import service as graph
from majlis.features.graph import store
from majlis.features.identity import service as identity
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from tests.features.queries import counted
from tests.world import Person, World

PUBLIC = {
    "id", "first_name", "last_name", "avatar", "cover", "about", "gender", "website", "country", "province", "district",
    "neighborhood", "is_complete", "created_at", "followers_count", "following_count", "posts_count", "is_following",
    "follows_me", "is_blocked", "can_message", "is_me", "is_private",
    "follow_requested", "is_muted",
}  # fmt: skip
MINI = {
    "id", "first_name", "last_name", "avatar", "province", "district", "neighborhood", "is_following", "follows_me",
}  # fmt: skip


def suspend(world: World, person: Person, suspended: bool = True) -> None:
    async def run() -> None:
        async with world.app.db.tx() as tx:
            await identity.suspend(tx, Me.system, person.email, suspended)

    world.go(run())
    world.drain()


def found(world: World, who: Person, q: str, **more: str) -> list[str]:
    answer = world.get("/api/v1/users/search", who, params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    return [person["id"] for person in answer.json()["data"]]


# ---- one person


@pytest.mark.rule("hamsaya:116", "hamsaya:158", "hamsaya:160")
def test_a_person_is_seen_by_all_but_not_their_address_birthday_or_place(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    place = {"lat": 34.5, "lng": 69.2}
    changes = {
        "about": "Baker",
        "dob": "1990-01-01",
        "phone": "+93700123456",
        "location": place,
        "province": "Kabul",
    }
    assert world.put("/api/v1/users/me", amina, changes).status_code == 200
    for viewer in (None, karim, amina):
        body = world.get(f"/api/v1/users/{amina.id}", viewer).json()
        assert set(body) == PUBLIC
        assert (body["first_name"], body["about"], body["province"]) == ("Amina", "Baker", "Kabul")


def test_what_a_viewer_has_to_do_with_a_person(world: World) -> None:
    amina, karim = world.person(), world.person()
    world.post(f"/api/v1/users/{amina.id}/follow", karim)

    def flags(viewer: Person | None) -> tuple[bool, ...]:
        body = world.get(f"/api/v1/users/{amina.id}", viewer).json()
        return (
            body["is_me"],
            body["is_following"],
            body["follows_me"],
            body["can_message"],
            body["is_blocked"],
        )

    assert flags(None) == (False, False, False, False, False)
    assert flags(karim) == (False, True, False, True, False)
    assert flags(amina) == (True, False, False, False, False)
    world.post(f"/api/v1/users/{karim.id}/follow", amina)
    assert flags(karim) == (False, True, True, True, False)
    world.post(f"/api/v1/users/{amina.id}/block", karim)
    assert flags(karim) == (False, False, False, False, True)
    assert world.get(f"/api/v1/users/{karim.id}", amina).status_code == 404


@pytest.mark.parametrize("who", ["00000000-0000-4000-8000-000000000000", "nobody", "0", "%00", "x" * 300])
def test_nobody_is_not_found(world: World, who: str) -> None:
    viewer = world.person()
    for viewed_by in (None, viewer):
        assert world.get(f"/api/v1/users/{who}", viewed_by).status_code == 404
        for lists in ("followers", "following"):
            assert world.get(f"/api/v1/users/{who}/{lists}", viewed_by).status_code == 404
    assert world.get(f"/api/v1/users/{who}/blocked", viewer).status_code == 404
    for verb in ("follow", "block"):
        assert world.post(f"/api/v1/users/{who}/{verb}", viewer).status_code == 404
        assert world.delete(f"/api/v1/users/{who}/{verb}", viewer).status_code == 404


def test_a_person_costs_one_query_and_a_list_two(world: World) -> None:
    amina = world.person()
    fans = [world.person() for _ in range(3)]

    def costs() -> list[int]:
        found = []
        for path, most in (("", 1), ("/followers", 2), ("/following", 2), ("/followers?offset=0", 3)):
            with counted(world) as seen:
                assert world.get(f"/api/v1/users/{amina.id}{path}", fans[0]).status_code == 200
            assert len(seen) == most, seen
            found.append(len(seen))
        for path, most in (("/me/blocked", 1), ("/search?q=person", 1), ("/search?q=a@b.org", 2)):
            with counted(world) as seen:
                assert world.get(f"/api/v1/users{path}", fans[0]).status_code == 200
            assert len(seen) == most, seen
            found.append(len(seen))
        return found

    before = costs()
    for fan in fans:
        world.post(f"/api/v1/users/{amina.id}/follow", fan)
    assert costs() == before


# ---- people who went away


def test_suspended_people_are_not_found_and_leave_lists_until_they_return(world: World) -> None:
    amina, karim, viewer = world.person("Amina"), world.person("Karim"), world.person()
    world.post(f"/api/v1/users/{amina.id}/follow", karim)
    world.post(f"/api/v1/users/{karim.id}/block", viewer)

    def seen() -> tuple[int, int, int, int, int]:
        return (
            world.get(f"/api/v1/users/{karim.id}", amina).status_code,
            len(world.get(f"/api/v1/users/{amina.id}/followers", amina).json()["data"]),
            world.get(f"/api/v1/users/{amina.id}/followers?offset=0", amina).json()["total"],
            len(found(world, amina, "Karim")),
            len(world.get("/api/v1/users/me/blocked", viewer).json()["data"]),
        )

    assert seen() == (200, 1, 1, 1, 1)
    suspend(world, karim)
    assert seen() == (404, 0, 0, 0, 0)
    assert world.post(f"/api/v1/users/{karim.id}/follow", amina).status_code == 404
    assert world.post(f"/api/v1/users/{karim.id}/block", amina).status_code == 404
    assert world.get(f"/api/v1/users/{karim.id}/followers").status_code == 404
    suspend(world, karim, False)
    assert seen() == (200, 1, 1, 1, 1)


def test_whoever_leaves_is_followed_by_nobody_and_follows_nobody(world: World) -> None:
    amina, karim, third = world.person("Amina"), world.person("Karim"), world.person()
    for one, other in ((amina, karim), (karim, amina), (third, karim), (third, amina)):
        world.post(f"/api/v1/users/{other.id}/follow", one)
    assert world.delete("/api/v1/users/me/account?reason=bye", karim).status_code == 204
    assert world.get(f"/api/v1/users/{karim.id}", amina).status_code == 404
    assert [e["user"]["id"] for e in world.get(f"/api/v1/users/{amina.id}/followers").json()["data"]] == [
        str(third.id)
    ]
    assert found(world, amina, "Karim") == []
    world.drain()
    body = world.get(f"/api/v1/users/{amina.id}").json()
    assert (body["followers_count"], body["following_count"]) == (1, 0)
    assert world.get(f"/api/v1/users/{third.id}").json()["following_count"] == 1


def test_forgetting_whoever_left_looks_at_their_neighbours_only(world: World) -> None:
    """However many people there are: a statement for each 500 follows must not read them all."""
    world.sql("INSERT INTO users (id, email) SELECT gen_random_uuid(), n FROM generate_series(1, 3000) n")
    world.sql("INSERT INTO profiles (id) SELECT id FROM users")
    world.sql("ANALYZE profiles")
    plan = world.sql(f"EXPLAIN {store.NEIGHBOURS.sql}", world.person().id)
    lines = [row["QUERY PLAN"] for row in plan]
    assert [line for line in lines if "Seq Scan on profiles" in line] == [], "\n".join(lines)
    assert any("profiles_pkey" in line for line in lines)


# ---- services for the features above


def test_minis_come_by_id_in_one_query(world: World) -> None:
    me, friend, blocker, blocked, gone = (world.person() for _ in range(5))
    world.post(f"/api/v1/users/{friend.id}/follow", me)
    world.post(f"/api/v1/users/{me.id}/block", blocker)
    world.post(f"/api/v1/users/{blocked.id}/block", me)
    suspend(world, gone)
    asked = [person.id for person in (friend, blocker, blocked, gone)]

    async def run(who: Me, ids: list) -> tuple[dict, int]:  # type: ignore[type-arg]
        async with world.app.db.read() as tx:
            return await graph.minis(tx, who, ids), tx.queries

    seen, queries = world.go(run(me.me, [*asked, uuid4()]))
    assert (set(seen), queries) == ({friend.id}, 1)
    assert seen[friend.id].is_following is True
    assert set(world.go(run(Me.anonymous, asked))[0]) == {friend.id, blocker.id, blocked.id}
    assert world.go(run(me.me, [])) == ({}, 0)


def test_a_visible_person_and_blocks_for_services_above(world: World) -> None:
    me, other, stranger = world.person(), world.person(), world.person()

    async def blocked(who: Me, whom: Person) -> bool:
        async with world.app.db.read() as tx:
            return await graph.is_blocked(tx, who, whom.id)

    async def look(who: Me, whom: Person) -> None:
        async with world.app.db.read() as tx:
            await graph.visible_person(tx, who, whom.id)

    world.go(look(me.me, other))
    assert not world.go(blocked(me.me, other))
    assert not world.go(blocked(Me.anonymous, other))
    world.post(f"/api/v1/users/{other.id}/block", me)
    assert world.go(blocked(me.me, other))
    assert world.go(blocked(other.me, me))
    assert not world.go(blocked(stranger.me, me))
    world.go(look(me.me, other))
    with pytest.raises(NotFound):
        world.go(look(other.me, me))
    world.go(look(Me.anonymous, me))


# ---- search


@pytest.mark.rule("hamsaya:110")
@pytest.mark.parametrize(
    "first, last, q",
    [
        ("Amina", "Rahimi", "ami"),
        ("Amina", "Rahimi", "RAHIMI amina"),
        ("علی", "احمدی", "احم"),
        ("پروین", "نوری", "پروین"),
        ("ښکلا", "څدراڼ", "ښکل"),
        ("Зарина", "Юсуфова", "юсуф"),
        ("አበበ", "ቢቂላ", "አበ"),
        ("Abdul-Haq", "O'Neil", "o'ne"),
        ("Abdul-Haq", "O'Neil", "abdul-h"),
    ],
)
def test_names_are_found_by_how_their_words_begin(world: World, first: str, last: str, q: str) -> None:
    viewer, wanted, other = world.person("Viewer"), world.person("Somebody"), world.person("Else")
    world.put("/api/v1/users/me", wanted, {"first_name": first, "last_name": last})
    assert found(world, viewer, q) == [str(wanted.id)]
    assert str(other.id) not in found(world, viewer, q)
    alias = world.get("/api/v1/search/users", viewer, params={"q": q}).json()
    assert alias == world.get("/api/v1/users/search", viewer, params={"q": q}).json()
    assert set(alias["data"][0]) == MINI


def test_every_word_must_begin_some_word(world: World) -> None:
    viewer, amina = world.person("Viewer"), world.person("Amina")
    assert found(world, viewer, "ami te") == [str(amina.id)]
    for wrong in (
        "amina zzz",
        "mina",
        "aminaa",
        "amina & !viewer",
        "ami:b | viewer",
        "''",
        "\\\\",
        "!!",
        "<->",
        "*:",
    ):
        assert found(world, viewer, wrong) == []


@pytest.mark.rule("hamsaya:160")
def test_an_exact_address_or_number_finds_its_owner_first(world: World) -> None:
    viewer, amina = world.person("Viewer"), world.person("Amina")
    world.put("/api/v1/users/me", amina, {"phone": "+93 700 123 456"})
    assert found(world, viewer, amina.email.upper()) == [str(amina.id)]
    assert found(world, viewer, " +93 700 123 456 ") == [str(amina.id)]
    for part in (amina.email[:-1], amina.email[1:], "@example.org", "+93 700 123 45", "700 123 456"):
        assert found(world, viewer, part) == []
    world.post(f"/api/v1/users/{amina.id}/block", viewer)
    assert found(world, viewer, amina.email) == []
    assert found(world, amina, viewer.email) == []


@pytest.mark.rule("hamsaya:149")
def test_search_hides_the_blocked_from_each_other(world: World) -> None:
    viewer, amina, third = world.person("Viewer"), world.person("Amina"), world.person("Third")
    world.post(f"/api/v1/users/{viewer.id}/block", amina)
    assert found(world, viewer, "amina") == []
    assert found(world, amina, "viewer") == []
    assert found(world, third, "amina") == [str(amina.id)]


def test_search_by_place(world: World) -> None:
    viewer, one, two = world.person("Viewer"), world.person("Amina"), world.person("Amina")
    world.put(
        "/api/v1/users/me",
        one,
        {"country": "Afghanistan", "province": "Kabul", "district": "3", "neighborhood": "کارته"},
    )
    world.put("/api/v1/users/me", two, {"province": "Herat"})
    assert found(world, viewer, "amina", province="kabul") == [str(one.id)]
    assert found(world, viewer, "amina", province="Herat") == [str(two.id)]
    for name, value in (("country", "Afghanistan"), ("district", "3"), ("neighborhood", "کارته")):
        assert found(world, viewer, "amina", **{name: value}) == [str(one.id)]
    assert found(world, viewer, "amina", province="Kabul", district="4") == []


def test_search_goes_page_by_page_by_name(world: World) -> None:
    viewer = world.person("Viewer")
    people = [world.person(name) for name in ("Amina", "Amir", "Aman", "Amina", "Amu")]
    ordered = [people[i].id for i in (2, *sorted((0, 3), key=lambda i: people[i].id), 1, 4)]
    names, cursor = [], None
    for _ in range(3):
        page = world.get(
            "/api/v1/users/search",
            viewer,
            params={"q": "am", "limit": 2, **({"cursor": cursor} if cursor else {})},
        )
        names += [person["id"] for person in page.json()["data"]]
        cursor = page.json()["next_cursor"]
    assert cursor is None
    assert names == [str(id) for id in ordered]
    by_offset = world.get("/api/v1/users/search", viewer, params={"q": "am", "limit": 2, "offset": 2}).json()
    assert [person["id"] for person in by_offset["data"]] == names[2:4]
    assert by_offset["total"] == 5


@pytest.mark.parametrize(
    "query, field",
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "a"}, "q"),
        ({"q": " ä  "}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"q": "ab", "limit": 0}, "limit"),
        ({"q": "ab", "limit": 101}, "limit"),
        ({"q": "ab", "offset": -1}, "offset"),
        ({"q": "ab", "province": "x" * 101}, "province"),
    ],
)
def test_a_bad_search_names_the_field(world: World, query: dict[str, object], field: str) -> None:
    answer = world.get("/api/v1/users/search", world.person(), params=query)
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


def test_search_needs_a_caller_and_a_cursor_of_its_own(world: World) -> None:
    amina = world.person()
    assert world.get("/api/v1/users/search?q=am").status_code == 401
    assert world.get("/api/v1/search/users?q=am").status_code == 401
    other = [world.post(f"/api/v1/users/{amina.id}/follow", world.person()) for _ in range(2)]
    assert [answer.status_code for answer in other] == [200, 200]
    cursor = world.get(f"/api/v1/users/{amina.id}/followers?limit=1").json()["next_cursor"]
    for bad in (cursor, "x", cursor[:-1]):
        assert world.get("/api/v1/users/search", amina, params={"q": "am", "cursor": bad}).status_code == 400
