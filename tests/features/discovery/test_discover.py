"""What there is around: circles, boxes, pages through posts and businesses."""

import random
from typing import Any

import pytest

from majlis.kit import geo
from majlis.kit.geo import Point
from tests.features.discovery.mapping import DISCOVER, KABUL, ids, mapped, shop
from tests.features.posts.writing import POSTS, block, category, faults, friends, write
from tests.features.queries import counted
from tests.world import Person, World

HERE = "lat=34.53&lng=69.17"
BOX = "min_lat=34.4&min_lng=69.0&max_lat=34.7&max_lng=69.4"


def around(world: World, query: str, who: Person | None = None) -> dict[str, Any]:
    answer = world.get(f"{DISCOVER}?{query}", who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert set(found) == {"posts", "businesses", "next_cursor"}
    return found


def pages(world: World, query: str) -> tuple[list[str], list[str]]:
    """All ids of posts and of businesses, page by page."""
    posts: list[str] = []
    businesses: list[str] = []
    cursor = ""
    for _ in range(50):
        found = around(world, query + cursor)
        posts += ids(found["posts"])
        businesses += ids(found["businesses"])
        if found["next_cursor"] is None:
            return posts, businesses
        cursor = f"&cursor={found['next_cursor']}"
    raise AssertionError("the list does not end")


@pytest.mark.rule("hamsaya:115", "hamsaya:111", "hamsaya:108")
def test_posts_and_businesses_nearest_first(world: World) -> None:
    amina = world.person()
    far, near = mapped(world, amina, 34.60, 69.17), mapped(world, amina, 34.54, 69.17)
    home = write(world, amina, user_location={"lat": 34.53, "lng": 69.17})
    mapped(world, amina, 34.63, 69.17)
    there, here = shop(world, amina, 34.55, 69.17), shop(world, amina, *KABUL)
    shop(world, amina, None, None)
    found = around(world, HERE)
    assert ids(found["posts"]) == [home["id"], near["id"], far["id"]]
    assert [post["distance_km"] for post in found["posts"]] == [0.0, 1.1, 7.8]
    assert ids(found["businesses"]) == [here["id"], there["id"]]
    assert [business["distance_km"] for business in found["businesses"]] == [0.0, 2.2]
    assert ids(around(world, f"{HERE}&radius_km=2")["posts"]) == [home["id"], near["id"]]
    assert around(world, f"{HERE}&kind=posts")["businesses"] == []
    assert around(world, f"{HERE}&kind=businesses")["posts"] == []
    assert around(world, f"{HERE}&type=EVENT") == {"posts": [], "businesses": [], "next_cursor": None}


@pytest.mark.rule("hamsaya:107", "hamsaya:116")
def test_what_is_found_is_as_its_viewer_sees_it(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person()
    post = mapped(world, amina, *KABUL, "SELL")
    write(world, amina, user_location={"lat": 34.53, "lng": 69.17})
    bakery = shop(world, amina, *KABUL)
    world.post(f"{POSTS}/{post['id']}/like", bilal)
    world.post(f"/api/v1/businesses/{bakery['id']}/follow", bilal)
    mine, his = around(world, HERE, amina), around(world, HERE, bilal)
    liked = {one["id"]: one for one in his["posts"]}[post["id"]]
    assert (liked["liked_by_me"], liked["is_mine"], liked["author"]["first_name"]) == (True, False, "Amina")
    assert liked["category"]["id"] == category(world)
    assert all(one["is_mine"] for one in [*mine["posts"], *mine["businesses"]])
    assert (his["businesses"][0]["is_following"], mine["businesses"][0]["is_following"]) == (True, False)
    assert {one["user_location"] is None for one in his["posts"]} == {True}
    assert {one["user_location"] is None for one in mine["posts"]} == {True, False}


@pytest.mark.rule("hamsaya:108", "hamsaya:109")
def test_boxes_and_filters(world: World) -> None:
    amina = world.person()
    carpet = mapped(world, amina, 34.50, 69.20, "SELL")
    feast = mapped(world, amina, 34.56, 69.21, "EVENT")
    mapped(world, amina, 34.71, 69.20)
    bakery = shop(world, amina, 34.54, 69.19)
    found = around(world, BOX)
    assert ids(found["posts"]) == [feast["id"], carpet["id"]]
    assert ids(found["businesses"]) == [bakery["id"]]
    assert [thing["distance_km"] for thing in [*found["posts"], *found["businesses"]]] == [None] * 3
    assert ids(around(world, f"{BOX}&type=SELL")["posts"]) == [carpet["id"]]
    assert ids(around(world, f"{BOX}&type=SELL&type=EVENT")["posts"]) == [feast["id"], carpet["id"]]
    some = around(world, f"{BOX}&category_id={category(world)}")
    assert (ids(some["posts"]), some["businesses"]) == ([carpet["id"]], [])


@pytest.mark.rule("hamsaya:108")
def test_the_surroundings_of_the_profile(world: World) -> None:
    amina, bilal = world.person(), world.person()
    post = mapped(world, amina, *KABUL)
    assert faults(world.get(DISCOVER)) == {"lat", "lng"}
    assert faults(world.get(DISCOVER, bilal)) == {"lat", "lng"}
    world.put("/api/v1/users/me", bilal, {"location": {"lat": 34.5, "lng": 69.17}})
    assert ids(around(world, "", bilal)["posts"]) == [post["id"]]
    assert around(world, "radius_km=1", bilal)["posts"] == []
    assert around(world, "lat=0&lng=0", bilal)["posts"] == []


@pytest.mark.rule("hamsaya:89", "hamsaya:149")
@pytest.mark.parametrize("query", [HERE, BOX])
def test_who_finds_what(world: World, query: str) -> None:
    amina, friend, stranger, blocked = (world.person() for _ in range(4))
    friends(world, amina, friend)
    block(world, blocked, amina)
    shop(world, amina, *KABUL)
    post = mapped(world, amina, *KABUL, visibility="FRIENDS")

    def seen(who: Person | None) -> tuple[int, int]:
        found = around(world, query, who)
        return len(found["posts"]), len(found["businesses"])

    people = (amina, friend, stranger, blocked, None)
    assert [seen(who) for who in people] == [(1, 1), (1, 1), (0, 1), (0, 0), (0, 1)]
    world.sql("UPDATE posts SET visibility = 'PUBLIC' WHERE id::text = $1 RETURNING 1", post["id"])
    assert [seen(who) for who in people] == [(1, 1), (1, 1), (1, 1), (0, 0), (1, 1)]
    world.post(f"/api/v1/users/{amina.id}/mute", stranger)
    assert seen(stranger)[0] == 0
    world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING 1", amina.id)
    assert {seen(who) for who in (friend, stranger, None)} == {(0, 0)}


@pytest.mark.rule("hamsaya:111", "hamsaya:112")
@pytest.mark.parametrize("center", [KABUL, (0.0, 179.98), (69.9, 10.0)])
def test_pages_hold_everything_once_nearest_first(world: World, center: tuple[float, float]) -> None:
    """Random places around a middle: the order is that of kilometres, not of degrees."""
    choose, middle = random.Random(1), Point(*center)
    amina = world.person()
    places: dict[str, Point] = {}
    for _ in range(30):
        lat, lng = center[0] + choose.uniform(-0.2, 0.2), center[1] + choose.uniform(-0.3, 0.3)
        place = Point(lat, lng - 360 if lng > 180 else lng)
        places[mapped(world, amina, place.lat, place.lng)["id"]] = place
    shops = [shop(world, amina, center[0] + n / 500, center[1])["id"] for n in range(3)]
    near = {
        one: geo.distance_km(middle, place)
        for one, place in places.items()
        if geo.distance_km(middle, place) <= 20
    }
    expected = sorted(near, key=lambda one: near[one])
    assert 5 < len(expected) < 30
    query = f"lat={center[0]}&lng={center[1]}&radius_km=20"
    for limit in (1, 4, 20):
        assert pages(world, f"{query}&limit={limit}") == (expected, shops)
        assert ids(around(world, f"{query}&limit={limit}&offset=3")["posts"]) == expected[3 : 3 + limit]


def test_posts_at_one_place_come_page_by_page(world: World) -> None:
    amina = world.person()
    posts = [mapped(world, amina, *KABUL)["id"] for _ in range(7)]
    for query in (HERE, BOX):
        assert pages(world, f"{query}&limit=2")[0] == sorted(posts)


def test_deep_pages_have_a_ceiling(world: World) -> None:
    assert around(world, f"{HERE}&offset=10000")["posts"] == []
    assert faults(world.get(f"{DISCOVER}?{HERE}&offset=10001")) == {"offset"}
    assert faults(world.get(f"{DISCOVER}?{HERE}&offset=-1")) == {"offset"}
    assert faults(world.get(f"{DISCOVER}?{HERE}&limit=101")) == {"limit"}
    other = world.get(f"{POSTS}?limit=1").json()["next_cursor"]
    for cursor in ("x", "a" * 60, other):
        assert world.get(f"{DISCOVER}?{HERE}&cursor={cursor}").status_code == 400


@pytest.mark.rule("hamsaya:116")
def test_ever_smaller_boxes_find_nobodys_home(world: World) -> None:
    """Whoever hides their place is found on a grid of about a hundred metres, not where they are."""
    amina, bilal = world.person(), world.person()
    write(world, amina, user_location={"lat": 34.53042, "lng": 69.17039})
    mapped(world, amina, 34.53042, 69.17039, is_location=False)
    shown = mapped(world, amina, 34.53042, 69.17039)

    def inside(half: float, lat: float, lng: float) -> list[str]:
        box = f"min_lat={lat - half}&max_lat={lat + half}&min_lng={lng - half}&max_lng={lng + half}"
        return ids(around(world, box, bilal)["posts"])

    assert len(inside(0.0001, 34.530, 69.170)) == 2
    assert inside(0.0001, 34.53042, 69.17039) == [shown["id"]]
    near = "lat=34.53042&lng=69.17039&radius_km=0.01"
    assert ids(around(world, near, bilal)["posts"]) == [shown["id"]]
    assert ids(world.get(f"{POSTS}?sort=nearby&{near}", bilal).json()["data"]) == [shown["id"]]


@pytest.mark.parametrize("query", [HERE, BOX])
def test_a_page_costs_the_same_whatever_its_size(world: World, query: str) -> None:
    amina = world.person()

    def add() -> None:
        for kind in ("FEED", "SELL", "EVENT", "PULL"):
            mapped(world, amina, *KABUL, kind)
        shop(world, amina, *KABUL)

    def cost() -> int:
        with counted(world) as seen:
            around(world, query, amina)
        return len(seen)

    add()
    cost()
    before = cost()
    for _ in range(3):
        add()
    assert cost() == before <= 14
