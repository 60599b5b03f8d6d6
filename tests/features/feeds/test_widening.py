"""An empty home never: what comes where nothing lies within the usual radius."""

from typing import Any

import pytest

from tests.features.posts.writing import POSTS, block, faults, write
from tests.features.queries import counted
from tests.world import Person, World

HERE = "lat=34.5&lng=69.1"


def at(world: World, who: Person, lat: float, **fields: Any) -> str:
    """A post so far north of the middle."""
    found: str = write(world, who, user_location={"lat": lat, "lng": 69.1}, **fields)["id"]
    return found


def home(world: World, query: str, who: Person | None = None) -> tuple[list[str], bool]:
    """The ids of a page, and whether it was widened."""
    answer = world.get(f"{POSTS}{query}", who)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return [post["id"] for post in body["data"]], body["widened"]


DOORS = ("?sort=nearby&", "/nearby?")


@pytest.mark.rule("hamsaya:108")
@pytest.mark.parametrize("door", DOORS)
def test_ten_kilometres_are_kept_to_while_there_is_something(world: World, door: str) -> None:
    amina = world.person()
    near = at(world, amina, 34.55)
    at(world, amina, 34.60)
    assert home(world, f"{door}{HERE}") == ([near], False)


@pytest.mark.parametrize("door", DOORS)
def test_an_empty_surrounding_is_widened(world: World, door: str) -> None:
    amina = world.person()
    assert home(world, f"{door}{HERE}") == ([], False)
    nowhere, elsewhere = write(world, amina)["id"], at(world, amina, 30.0)
    assert home(world, f"{door}{HERE}") == ([elsewhere, nowhere], True)
    far, farther = at(world, amina, 34.6), at(world, amina, 34.9)
    assert home(world, f"{door}{HERE}") == ([far, farther], True)
    near = at(world, amina, 34.5)
    assert home(world, f"{door}{HERE}") == ([near], False)


@pytest.mark.parametrize("door", DOORS)
def test_a_radius_that_was_asked_for_is_kept_to(world: World, door: str) -> None:
    far = at(world, world.person(), 34.6)
    assert home(world, f"{door}{HERE}&radius_km=10") == ([], False)
    assert home(world, f"{door}{HERE}&radius_km=100") == ([far], False)
    assert faults(world.get(f"{POSTS}{door}{HERE}&radius_km=100.5")) == {"radius_km"}


def test_the_surroundings_of_the_profile_are_widened(world: World) -> None:
    amina, bilal = world.person(), world.person()
    world.put("/api/v1/users/me", bilal, {"location": {"lat": 34.5, "lng": 69.1}})
    far = at(world, amina, 34.7)
    assert home(world, "?sort=nearby", bilal) == ([far], True)


def test_filters_hold_however_far_it_goes(world: World) -> None:
    amina, bilal = world.person(), world.person()
    at(world, amina, 34.5, visibility="PRIVATE")
    at(world, bilal, 34.5)
    at(world, amina, 34.6)
    event = write(world, amina, "EVENT")["id"]
    block(world, bilal, amina)
    assert home(world, f"?sort=nearby&{HERE}&type=EVENT") == ([event], True)
    assert home(world, f"?sort=nearby&{HERE}&type=SELL") == ([], False)
    assert home(world, f"?sort=nearby&{HERE}&type=EVENT", bilal) == ([], False)


@pytest.mark.parametrize("sort", ["recent", "trending"])
def test_other_orders_around_a_point_are_widened_too(world: World, sort: str) -> None:
    amina = world.person()
    elsewhere = at(world, amina, 30.0)
    assert home(world, f"?sort={sort}&{HERE}") == ([elsewhere], True)
    far = at(world, amina, 34.6)
    assert home(world, f"?sort={sort}&{HERE}") == ([far], True)
    assert home(world, f"?sort={sort}") == ([far, elsewhere], False)


@pytest.mark.rule("hamsaya:104")
def test_trending_is_not_widened_in_time(world: World) -> None:
    old = at(world, world.person(), 34.5)
    world.sql(
        "UPDATE posts SET created_at = created_at - interval '8 days' WHERE id::text = $1 RETURNING 1", old
    )
    assert home(world, "?sort=trending") == ([], False)
    assert home(world, f"?sort=trending&{HERE}") == ([], False)


@pytest.mark.parametrize("lats, widened", [((34.5, 34.51, 34.52), False), ((34.7, 34.8, 34.9), True),
                                           ((20.0, 21.0, 22.0), True)])  # fmt: skip
def test_pages_go_on_as_far_as_the_first(world: World, lats: tuple[float, ...], widened: bool) -> None:
    amina = world.person()
    expected = [at(world, amina, lat) for lat in lats]
    if lats[0] == 20.0:
        expected.reverse()  # from anywhere: the newest first
    seen: list[str] = []
    body: dict[str, Any] = {"next_cursor": None}
    cursor = ""
    for _ in range(3):
        body = world.get(f"{POSTS}/nearby?{HERE}&limit=1{cursor}").json()
        assert body["widened"] is widened
        seen += [post["id"] for post in body["data"]]
        cursor = f"&cursor={body['next_cursor']}"
    assert seen == expected and body["next_cursor"] is None
    for skip in range(4):
        body = world.get(f"{POSTS}/nearby?{HERE}&limit=2&offset={skip}").json()
        assert [post["id"] for post in body["data"]] == expected[skip : skip + 2]
        assert (body["total"], body["widened"]) == (3, widened)


def test_the_next_page_stays_wide_when_somebody_posts_nearby(world: World) -> None:
    amina = world.person()
    posts = [at(world, amina, lat) for lat in (34.7, 34.8)]
    first = world.get(f"{POSTS}/nearby?{HERE}&limit=1").json()
    at(world, amina, 34.5)
    second = world.get(f"{POSTS}/nearby?{HERE}&limit=1&cursor={first['next_cursor']}").json()
    assert ([post["id"] for post in second["data"]], second["widened"]) == (posts[1:], True)


def test_cursors_of_other_lists_are_refused(world: World) -> None:
    amina = world.person()
    for _ in range(2):
        at(world, amina, 34.5)
    plain = world.get(f"{POSTS}?limit=1").json()["next_cursor"]
    near = world.get(f"{POSTS}/nearby?{HERE}&limit=1").json()["next_cursor"]
    assert plain and near
    assert world.get(f"{POSTS}/nearby?{HERE}&cursor={plain}").status_code == 400
    assert world.get(f"{POSTS}?cursor={near}").status_code == 400
    assert world.get(f"{POSTS}?sort=trending&{HERE}&cursor={near}").status_code == 400


@pytest.mark.parametrize("lat", [34.5, 34.7, 20.0])
def test_a_widened_page_costs_the_same_whatever_its_size(world: World, lat: float) -> None:
    amina = world.person()

    def cost() -> int:
        with counted(world) as seen:
            home(world, f"/nearby?{HERE}", amina)
        return len(seen)

    at(world, amina, lat)
    cost()
    before = cost()
    for _ in range(8):
        at(world, amina, lat)
    assert cost() == before <= 7
