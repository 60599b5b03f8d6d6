"""People at the x18 door."""

import asyncio
from typing import Any

import pytest

from tests.features.media.uploads import jpeg
from tests.features.queries import counted
from tests.surfaces.compat.x18.people import Caller, ask, entered, refused
from tests.world import World

PUBLIC = {
    "id", "username", "display_name", "bio", "avatar_url", "followers_count", "following_count", "posts_count",
    "is_following", "created_at",
}  # fmt: skip


def somebody(world: World, username: str, first_name: str = "Amina") -> Caller:
    who = entered(world, world.person(first_name))
    change(world, who, username=username)
    return who


def change(world: World, who: Caller, **fields: Any) -> Any:
    answer = ask(world, "PATCH", "/api/users/me", who, fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def public(world: World, user_id: str, who: Caller | None = None) -> Any:
    answer = ask(world, "GET", f"/api/users/{user_id}", who)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.rule("x18:R8")
def test_people_are_read_by_id_and_by_username_in_any_case(world: World) -> None:
    amina = somebody(world, "Amina_K")
    found = public(world, amina.id)
    assert set(found) == PUBLIC
    assert (found["username"], found["display_name"], found["is_following"]) == (
        "Amina_K",
        "Amina Test",
        None,
    )
    for name in ("Amina_K", "amina_k", "AMINA_K"):
        assert ask(world, "GET", f"/api/users/username/{name}").json() == found
    assert public(world, amina.id, amina)["is_following"] is False


@pytest.mark.parametrize(
    "path", ["/api/users/00000000-0000-7000-8000-000000000000", "/api/users/x", "/api/users/username/nobody"]
)
def test_who_is_not_there_is_not_found(world: World, path: str) -> None:
    refused(ask(world, "GET", path), 404, "user_not_found")


def test_native_accounts_get_a_username_that_tells_nothing(world: World) -> None:
    native = world.person("Zarghuna")
    username = public(world, str(native.id))["username"]
    assert username == f"user_{native.id.hex[-25:]}" and len(username) == 30
    assert world.get("/api/v1/users/me", native).json()["username"] == username
    changed = world.put("/api/v1/users/me", native, {"username": "zarghuna"})
    assert changed.json()["username"] == "zarghuna"
    assert public(world, str(native.id))["username"] == "zarghuna"


def test_usernames_are_kept_apart_at_the_native_door_too(world: World) -> None:
    world.put("/api/v1/users/me", world.person(), {"username": "amina"})
    karim = world.person()
    taken = world.put("/api/v1/users/me", karim, {"username": "AMINA"})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "username_taken")
    wrong = world.put("/api/v1/users/me", karim, {"username": "me"})
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["field"]) == (422, "username")


@pytest.mark.rule("x18:R8")
def test_own_account_is_read_and_changed_by_the_keys_that_are_there(world: World) -> None:
    amina = somebody(world, "amina")
    before = ask(world, "GET", "/api/users/me", amina).json()
    after = change(world, amina, bio="bread", display_name="Amina Jan Karimi")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"bio", "display_name", "updated_at"}
    assert (after["bio"], after["display_name"]) == ("bread", "Amina Jan Karimi")
    assert ask(world, "GET", "/api/users/me", amina).json() == after
    cleared = change(world, amina, bio=None, display_name=None)
    assert (cleared["bio"], cleared["display_name"]) == (None, None)


def test_money_is_said_in_decimals_of_two_places(world: World) -> None:
    amina = somebody(world, "amina")
    after = change(world, amina, monetization_enabled=True, subscription_price="4.50")
    assert (after["monetization_enabled"], after["subscription_price"]) == (True, "4.50")
    assert world.sql("SELECT subscription_price FROM profiles WHERE username = 'amina'") == [
        {"subscription_price": 450}
    ]
    assert change(world, amina, subscription_price=None)["monetization_enabled"] is True
    for price in ("-1", "1.001", "1000000.01", "NaN"):
        answer = ask(world, "PATCH", "/api/users/me", amina, {"subscription_price": price})
        refused(answer, 400, "validation_failed", "subscription_price")


@pytest.mark.parametrize(
    "fields, name",
    [
        ({"username": "x"}, "username"),
        ({"username": "me"}, "username"),
        ({"username": None}, "username"),
        ({"bio": "x" * 501}, "bio"),
        ({"display_name": "x" * 51}, "display_name"),
        ({"monetization_enabled": "yes"}, "monetization_enabled"),
        ({"avatar_url": "https://elsewhere.example/a.png"}, "avatar_url"),
    ],
)
def test_what_cannot_be_changed_to_is_named(world: World, fields: dict[str, Any], name: str) -> None:
    amina = somebody(world, "amina")
    refused(ask(world, "PATCH", "/api/users/me", amina, fields), 400, "validation_failed", name)
    assert ask(world, "GET", "/api/users/me", amina).json()["username"] == "amina"


def test_a_username_of_somebody_else_is_taken_and_ones_own_may_change_its_case(world: World) -> None:
    amina, karim = somebody(world, "amina"), somebody(world, "karim", "Karim")
    refused(
        ask(world, "PATCH", "/api/users/me", karim, {"username": "AMINA", "bio": "x"}), 409, "username_taken"
    )
    assert ask(world, "GET", "/api/users/me", karim).json()["bio"] is None, "nothing of it happened"
    assert change(world, amina, username="AmiNa")["username"] == "AmiNa"


def test_one_of_two_who_take_a_name_at_once_gets_it(clone: World) -> None:
    people = [entered(clone, clone.person()) for _ in range(2)]

    async def both() -> list[Any]:
        asks = (
            clone.http.patch("/x18/api/users/me", headers=one.auth, json={"username": name})
            for one, name in zip(people, ("laila", "LAILA"), strict=True)
        )
        return await asyncio.gather(*asks)

    assert sorted(answer.status_code for answer in clone.go(both())) == [200, 409]


def test_a_picture_is_one_of_ones_own_uploads(world: World) -> None:
    amina, karim = somebody(world, "amina"), somebody(world, "karim", "Karim")
    form = {"files": {"file": ("a.jpg", jpeg())}}
    theirs = ask(world, "POST", "/api/media/upload", karim, **form).json()["url"]
    refused(
        ask(world, "PATCH", "/api/users/me", amina, {"avatar_url": theirs}),
        400,
        "validation_failed",
        "avatar_url",
    )
    mine = ask(world, "POST", "/api/media/upload", amina, **form).json()["url"]
    shown = change(world, amina, avatar_url=mine)["avatar_url"]
    assert world.get(shown).status_code == 200
    assert public(world, amina.id)["avatar_url"] == shown
    assert change(world, amina, avatar_url=None)["avatar_url"] is None


def test_hidden_things_stay_hidden_at_this_door(world: World) -> None:
    native = world.person("Zarghuna")
    amina, karim = entered(world, native), somebody(world, "karim", "Karim")
    change(world, amina, bio="of me")
    settings = {"full_name_visibility": "Only me", "profile_bio_visibility": "Only me"}
    answer = world.put("/api/v1/settings/privacy", native, settings)
    assert answer.status_code == 200, answer.text
    for viewer in (karim, None):
        seen = public(world, amina.id, viewer)
        assert (seen["display_name"], seen["bio"]) == ("Z", None)
        assert "arghuna" not in seen["username"].lower()
    assert ask(world, "GET", "/api/users/me", amina).json()["display_name"] == "Zarghuna Test"


# ---- follows


@pytest.mark.rule("x18:R9", "x18:D7")
def test_follows_are_made_and_ended_once(world: World) -> None:
    amina, karim = somebody(world, "amina"), somebody(world, "karim", "Karim")
    path = f"/api/users/{amina.id}/follow"
    for _ in range(2):
        assert ask(world, "POST", path, karim).json() == {"following": True, "followers_count": 1}
        assert public(world, amina.id, karim)["is_following"] is True
        assert (public(world, amina.id)["followers_count"], public(world, karim.id)["following_count"]) == (
            1,
            1,
        )
    for _ in range(2):
        assert ask(world, "DELETE", path, karim).json() == {"following": False, "followers_count": 0}
        assert (public(world, amina.id)["followers_count"], public(world, karim.id)["following_count"]) == (
            0,
            0,
        )


@pytest.mark.rule("x18:D7")
def test_nobody_follows_themselves(world: World) -> None:
    amina = somebody(world, "amina")
    refused(ask(world, "POST", f"/api/users/{amina.id}/follow", amina), 400, "cannot_follow_self")


@pytest.mark.rule("x18:R9", "x18:R30")
def test_followers_and_following_are_listed_latest_first_by_limit_and_offset(world: World) -> None:
    amina = somebody(world, "amina")
    others = [somebody(world, f"user_{n}x", "Karim") for n in range(3)]
    for one in others:
        ask(world, "POST", f"/api/users/{amina.id}/follow", one)
        ask(world, "POST", f"/api/users/{one.id}/follow", amina)
    for which in ("followers", "following"):
        path = f"/api/users/{amina.id}/{which}"
        page = ask(world, "GET", path + "?limit=2", amina).json()
        assert set(page) == {"users", "limit", "offset", "has_more"}
        assert [one["id"] for one in page["users"]] == [others[2].id, others[1].id]
        assert all(set(one) == PUBLIC and one["is_following"] for one in page["users"])
        assert (page["limit"], page["offset"], page["has_more"]) == (2, 0, True)
        rest = ask(world, "GET", path + "?limit=2&offset=2").json()
        assert ([one["id"] for one in rest["users"]], rest["has_more"]) == ([others[0].id], False)
        assert rest["users"][0]["is_following"] is None
        default = ask(world, "GET", path).json()
        assert (default["limit"], default["offset"], len(default["users"])) == (20, 0, 3)
    refused(ask(world, "GET", "/api/users/x/followers"), 404, "user_not_found")


@pytest.mark.rule("x18:R30")
@pytest.mark.parametrize(
    "query, name",
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("offset=-1", "offset"),
        ("offset=10001", "offset"),
        ("limit=x", "limit"),
    ],
)
def test_pages_have_bounds(world: World, query: str, name: str) -> None:
    amina = somebody(world, "amina")
    refused(ask(world, "GET", f"/api/users/{amina.id}/followers?{query}"), 400, "validation_failed", name)


def test_a_list_of_people_takes_as_many_queries_however_long(world: World) -> None:
    amina = somebody(world, "amina")

    def cost() -> int:
        with counted(world) as seen:
            ask(world, "GET", f"/api/users/{amina.id}/followers")
        return len(seen)

    ask(world, "POST", f"/api/users/{amina.id}/follow", entered(world, world.person()))
    cost()  # the first time types are looked up
    one = cost()
    for _ in range(4):
        ask(world, "POST", f"/api/users/{amina.id}/follow", entered(world, world.person()))
    assert cost() == one == 3


def test_private_accounts_are_asked_first_and_keep_whom_they_know(world: World) -> None:
    native = world.person("Amina")
    amina, karim = entered(world, native), somebody(world, "karim", "Karim")
    world.put("/api/v1/settings/privacy", native, {"is_private": True})
    path = f"/api/users/{amina.id}"
    assert ask(world, "POST", path + "/follow", karim).json() == {"following": False, "followers_count": 0}
    assert public(world, amina.id, karim)["is_following"] is False
    refused(ask(world, "GET", path + "/followers", karim), 404, "user_not_found")
    accepted = world.post(f"/api/v1/users/me/follow-requests/{karim.id}/accept", native)
    assert accepted.status_code == 200, accepted.text
    assert public(world, amina.id, karim)["is_following"] is True
    assert ask(world, "GET", path + "/followers", karim).status_code == 200


def test_blocks_hide_people_from_one_another(world: World) -> None:
    native = world.person("Amina")
    amina, karim, laila = entered(world, native), somebody(world, "karim", "Karim"), somebody(world, "laila")
    ask(world, "POST", f"/api/users/{laila.id}/follow", amina)
    ask(world, "POST", f"/api/users/{laila.id}/follow", karim)
    world.post(f"/api/v1/users/{karim.id}/block", native)
    username = public(world, amina.id)["username"]
    refused(ask(world, "GET", f"/api/users/{amina.id}", karim), 404, "user_not_found")
    refused(ask(world, "GET", f"/api/users/username/{username}", karim), 404, "user_not_found")
    refused(ask(world, "GET", f"/api/users/{amina.id}/followers", karim), 404, "user_not_found")
    refused(ask(world, "POST", f"/api/users/{amina.id}/follow", karim), 404, "user_not_found")
    refused(ask(world, "POST", f"/api/users/{karim.id}/follow", amina), 404, "user_not_found")
    for viewer, seen in ((karim, [karim.id]), (amina, [amina.id]), (None, [karim.id, amina.id])):
        listed = ask(world, "GET", f"/api/users/{laila.id}/followers", viewer).json()["users"]
        assert [one["id"] for one in listed] == seen
