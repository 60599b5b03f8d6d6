"""Opening, reading, changing and deleting a business."""

from typing import Any

import pytest

from tests.features.businesses.trading import BUSINESSES, at, block, categories, day, faults, opened
from tests.features.media.uploads import upload
from tests.features.queries import counted
from tests.world import Person, World

PARTS = ("country", "province", "district", "neighborhood")
KARTE_SEH = {"lat": 34.5025, "lng": 69.1335}
HERAT = {"lat": 34.3420, "lng": 62.1985}
FULL = {
    "license_no": "D-40321", "description": "Bread from six", "address": "Street 4", "phone_number": "+93700123456",
    "email": "bread@example.org", "website": "https://bakery.example", "additional_info": "Ring twice",
    "address_location": KARTE_SEH, "country": "Afghanistan", "province": "Kabul", "district": "6",
    "neighborhood": "Karte Seh", "show_location": False,
}  # fmt: skip


@pytest.mark.rule("hamsaya:135")
def test_a_name_is_enough_and_the_rest_has_defaults(world: World) -> None:
    amina = world.person("Amina")
    business = opened(world, amina)
    assert {name: business[name] for name in ("status", "show_location", "total_views", "total_follow")} == {
        "status": True,
        "show_location": True,
        "total_views": 0,
        "total_follow": 0,
    }
    assert (business["user_id"], business["owner"]["first_name"]) == (str(amina.id), "Amina")
    assert (business["categories"], business["hours"], business["attachments"]) == ([], [], [])
    assert (business["is_mine"], business["is_following"], business["is_open_now"]) == (True, False, None)
    for body in ({}, {"name": None}, {"name": ""}, {"name": "  "}, {"name": "x" * 256}):
        assert faults(world.post(BUSINESSES, amina, body)) == {"name"}
    assert world.post(BUSINESSES, None, {"name": "Bakery"}).status_code == 401


@pytest.mark.rule("hamsaya:135")
def test_all_that_is_given_is_kept(world: World) -> None:
    amina = world.person()
    avatar, cover = (
        upload(world, amina, to=f"/api/v1/upload/{kind}").json()["photo"] for kind in ("avatar", "cover")
    )
    business = opened(
        world, amina, "  Bakery ", **FULL, avatar=avatar, cover=cover, category_ids=categories(world),
        hours=[day("Friday", None, None, is_closed=True), day("Monday", "08:00", "18:00:30")],
    )  # fmt: skip
    assert {name: business[name] for name in FULL} == FULL
    assert (business["name"], business["avatar"], business["cover"]) == ("Bakery", avatar, cover)
    assert [one["id"] for one in business["categories"]] == categories(world)
    assert [(one["day"], one["close_time"]) for one in business["hours"]] == [
        ("Monday", "18:00:30"),
        ("Friday", None),
    ]
    assert world.get(at(business), amina).json() == business
    assert world.delete(f"/api/v1/upload/{'/'.join(avatar['url'].split('/')[-2:])}", amina).status_code == 409


@pytest.mark.parametrize(
    "fields, named",
    [
        ({"total_views": 5, "user_id": "x", "owner": None}, {"total_views", "user_id", "owner"}),
        ({"email": "nobody"}, {"email"}),
        ({"phone_number": "1" * 21, "license_no": "1" * 101}, {"phone_number", "license_no"}),
        ({"address_location": {"lat": 91, "lng": 0}}, {"address_location"}),
        ({"status": None}, {"status"}),
        ({"website": "javascript:alert(1)"}, {"website"}),
        ({"name": "\x00"}, {"name"}),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_wrong_fields_are_named(world: World, method: str, fields: dict[str, Any], named: set[str]) -> None:
    amina = world.person()
    path = BUSINESSES if method == "POST" else at(opened(world, amina))
    assert faults(world.request(method, path, amina, json={"name": "Bakery", **fields})) == named


def test_what_has_operations_of_its_own_is_not_changed_beside(world: World) -> None:
    amina = world.person()
    body = {"category_ids": [], "hours": [], "avatar": None, "cover": None}
    assert faults(world.put(at(opened(world, amina)), amina, body)) == set(body)


def test_a_new_business_names_each_wrong_part(world: World) -> None:
    amina, karim = world.person(), world.person()
    theirs = upload(world, karim).json()["photo"]
    unknown = "00000000-0000-0000-0000-000000000000"
    wrong: list[tuple[dict[str, Any], set[str]]] = [
        ({"avatar": theirs}, {"avatar.url"}),
        ({"cover": theirs}, {"cover.url"}),
        ({"category_ids": [*categories(world, 1), unknown]}, {"category_ids[1]"}),
        ({"hours": [day("Monday", "08:00", None)]}, {"hours[0].close_time"}),
        ({"hours": [day("Noday", "08:00", "25:00")]}, {"hours[0].day", "hours[0].close_time"}),
    ]
    for fields, named in wrong:
        assert faults(world.post(BUSINESSES, amina, {"name": "Bakery", **fields})) == named
    assert world.sql("SELECT 1 FROM business_profiles") == []


@pytest.mark.rule("hamsaya:135", "hamsaya:141")
def test_the_owner_changes_a_business(world: World) -> None:
    amina = world.person()
    business = opened(world, amina, **FULL)
    answer = world.put(at(business), amina, {"name": "Bread", "description": None})
    changed = answer.json()
    assert answer.status_code == 200
    assert (changed["name"], changed["description"]) == ("Bread", None)
    assert changed["updated_at"] > business["updated_at"]
    kept = set(business) - {"name", "description", "updated_at"}
    assert {name: changed[name] for name in kept} == {name: business[name] for name in kept}
    assert world.get(at(business), amina).json() == changed


CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "", {"name": "Mine"}),
    ("PUT", "/location", {"address_location": HERAT}),
    ("PUT", "/hours", {"hours": [day("Monday", "08:00", "18:00")]}),
    ("PUT", "/categories", {"category_ids": []}),
    ("DELETE", "", {}),
    ("DELETE", "/attachments/00000000-0000-0000-0000-000000000000", {}),
]


def attempts(world: World, who: Person | None, business: dict[str, Any]) -> set[int]:
    """The statuses of everything that only an owner may do."""
    statuses = {
        world.request(method, at(business, rest), who, **({"json": body} if body else {})).status_code
        for method, rest, body in CHANGES
    }
    for kind in ("avatar", "cover", "attachments"):
        statuses.add(upload(world, who, to=at(business, f"/{kind}")).status_code)
    return statuses


@pytest.mark.rule("hamsaya:141")
def test_only_the_owner_changes_anything(world: World) -> None:
    amina, karim, blocked, moderator = (
        world.person(role=role) for role in ("user", "user", "user", "moderator")
    )
    business = opened(world, amina)
    block(world, amina, blocked)
    assert attempts(world, None, business) == {401}
    assert attempts(world, karim, business) == {403}
    assert attempts(world, moderator, business) == {403}
    assert attempts(world, blocked, business) == {404}
    assert attempts(world, karim, {"id": amina.id}) == {404}
    world.put(at(business), amina, {"status": False})
    assert attempts(world, karim, business) == {404}
    assert world.get(at(business), amina).json()["name"] == "Bakery"
    assert world.sql("SELECT 1 FROM uploads") == []


@pytest.mark.rule("hamsaya:135")
def test_deleting_is_soft_and_once(world: World) -> None:
    amina = world.person()
    business = opened(world, amina)
    answer = world.delete(at(business), amina)
    assert (answer.status_code, answer.content) == (204, b"")
    assert attempts(world, amina, business) == {404}
    for rest in ("", "/hours", "/categories", "/attachments", "/followers", "/posts"):
        assert world.get(at(business, rest), amina).status_code == 404
    assert world.get(BUSINESSES, amina).json()["data"] == []
    (row,) = world.sql("SELECT deleted_at, name FROM business_profiles")
    assert row["deleted_at"] is not None


@pytest.mark.rule("hamsaya:135")
def test_what_is_switched_off_is_seen_by_its_owner_alone(world: World) -> None:
    amina, karim = world.person(), world.person()
    business = opened(world, amina)
    assert world.put(at(business), amina, {"status": False}).json()["status"] is False
    for rest in ("", "/hours", "/categories", "/attachments", "/followers", "/posts"):
        assert world.get(at(business, rest), karim).status_code == 404
        assert world.get(at(business, rest)).status_code == 404
        assert world.get(at(business, rest), amina).status_code == 200
    for method in ("POST", "DELETE"):
        assert world.request(method, at(business, "/follow"), karim).status_code == 404
    assert world.put(at(business), amina, {"status": True}).status_code == 200
    assert world.get(at(business), karim).status_code == 200


@pytest.mark.rule("hamsaya:149")
def test_blocks_hide_a_business_both_ways(world: World) -> None:
    amina, blocked, blocker = world.person(), world.person(), world.person()
    business = opened(world, amina)
    block(world, amina, blocked)
    block(world, blocker, amina)
    for who in (blocked, blocker):
        for rest in ("", "/hours", "/categories", "/attachments", "/followers", "/posts"):
            assert world.get(at(business, rest), who).status_code == 404
        assert world.post(at(business, "/follow"), who).status_code == 404
        assert world.post(at(business, "/report"), who, {"reason": "Spam"}).status_code == 404


@pytest.mark.rule("hamsaya:24")
def test_a_closed_or_suspended_account_hides_its_businesses(world: World) -> None:
    amina, bilal, karim = world.person(), world.person(), world.person()
    closed, suspended = opened(world, amina), opened(world, bilal)
    for business in (closed, suspended):
        assert world.get(at(business), karim).status_code == 200
    assert world.delete("/api/v1/users/me/account", amina, json={"reason": "tired"}).status_code == 204
    world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING 1", bilal.id)
    for business in (closed, suspended):
        for rest in ("", "/hours", "/categories", "/attachments", "/followers", "/posts"):
            assert world.get(at(business, rest), karim).status_code == 404
        assert world.post(at(business, "/follow"), karim).status_code == 404


@pytest.mark.rule("hamsaya:135")
def test_the_list_holds_the_callers_own_newest_first(world: World) -> None:
    amina, karim = world.person(), world.person()
    opened(world, karim, "Elsewhere")
    first, second, third = (opened(world, amina, name) for name in ("Bakery", "Tailor", "Barber"))
    world.put(at(second), amina, {"status": False})

    def listed(query: str = "") -> list[str]:
        answer = world.get(f"{BUSINESSES}?{query}", amina)
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()["data"]]

    assert listed() == ["Barber", "Tailor", "Bakery"]
    assert listed("status=true") == ["Barber", "Bakery"]
    assert listed("status=false") == ["Tailor"]
    assert listed("q=ba") == ["Barber", "Bakery"]
    assert listed("q=%20") == ["Barber", "Tailor", "Bakery"]
    page = world.get(f"{BUSINESSES}?limit=2", amina).json()
    rest = world.get(f"{BUSINESSES}?limit=2&cursor={page['next_cursor']}", amina).json()
    assert [one["id"] for one in (*page["data"], *rest["data"])] == [third["id"], second["id"], first["id"]]
    assert (rest["next_cursor"], "total" in rest) == (None, False)
    assert world.get(f"{BUSINESSES}?limit=1&offset=1", amina).json()["total"] == 3
    assert world.get(BUSINESSES).status_code == 401
    assert world.get(f"{BUSINESSES}?cursor=forged", amina).status_code == 400
    assert faults(world.get(f"{BUSINESSES}?limit=101&status=maybe", amina)) == {"limit", "status"}


def test_a_list_costs_the_same_number_of_queries_however_long(world: World) -> None:
    amina = world.person()

    def queries() -> int:
        world.get(BUSINESSES, amina)
        with counted(world) as seen:
            assert world.get(BUSINESSES, amina).status_code == 200
        return len(seen)

    opened(world, amina, category_ids=categories(world), hours=[day("Monday", "08:00", "18:00")])
    one = queries()
    for _ in range(4):
        opened(world, amina, category_ids=categories(world), hours=[day("Monday", "08:00", "18:00")])
    assert queries() == one <= 5


@pytest.mark.rule("hamsaya:116")
def test_a_hidden_location_is_seen_by_the_owner_alone(world: World) -> None:
    amina, karim = world.person(), world.person()
    business = opened(world, amina, address_location=KARTE_SEH, show_location=False)
    assert business["address_location"] == KARTE_SEH
    assert world.get(at(business), karim).json()["address_location"] is None
    assert world.get(at(business)).json()["address_location"] is None
    world.put(at(business), amina, {"show_location": True})
    assert world.get(at(business), karim).json()["address_location"] == KARTE_SEH


@pytest.mark.settings(geocoder="offline")
@pytest.mark.rule("hamsaya:114")
def test_a_business_learns_where_it_is(world: World) -> None:
    amina = world.person()

    def parts(business: dict[str, Any]) -> tuple[str | None, ...]:
        return tuple(business[part] for part in PARTS)

    business = opened(world, amina, address_location=KARTE_SEH, district="ناحیهٔ ۶")
    assert parts(business) == ("Afghanistan", "Kabul", "ناحیهٔ ۶", "Karte Seh")
    same = world.put(at(business), amina, {"address_location": KARTE_SEH, "name": "Bread"})
    assert parts(same.json()) == parts(business)
    moved = world.put(
        at(business, "/location"), amina, {"address_location": HERAT, "address": "Shop 3"}
    ).json()
    assert parts(moved) == ("Afghanistan", "Herat", "Herat", "Darb-e Khosh")
    assert (moved["address_location"], moved["address"], moved["name"]) == (HERAT, "Shop 3", "Bread")
    given = {
        "address_location": KARTE_SEH,
        "country": "A",
        "province": None,
        "district": "C",
        "neighborhood": "D",
    }
    assert parts(world.put(at(business, "/location"), amina, given).json()) == ("A", None, "C", "D")
    assert faults(world.put(at(business, "/location"), amina, {})) == {"address_location"}
    assert faults(
        world.put(at(business, "/location"), amina, {"address_location": {"lat": 0, "lng": 181}})
    ) == {"address_location"}


@pytest.mark.settings(require_verified_email=True)
def test_a_server_may_want_confirmed_addresses(world: World) -> None:
    sure, unsure = world.person(), world.person(verified=False)
    opened(world, sure)
    refused = world.post(BUSINESSES, unsure, {"name": "Bakery"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "email_not_verified")
