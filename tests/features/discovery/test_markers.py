"""Single markers: what stands on the map, for whom, where."""

from typing import Any

import pytest

from tests.features.discovery.mapping import DISCOVER, KABUL, MARKERS, WORLD, drawn, ids, mapped, marked, shop
from tests.features.posts.writing import block, category, faults, friends, write
from tests.features.queries import counted
from tests.world import Person, World

HERE = "min_lat=34.4&min_lng=69.0&max_lat=34.7&max_lng=69.4"


@pytest.mark.rule("hamsaya:115")
def test_posts_and_businesses_stand_on_the_map(world: World) -> None:
    amina = world.person()
    carpet = mapped(
        world, amina, 34.50, 69.10, "SELL", title="Carpet", category_id=category(world), price="1500.00"
    )
    feast = mapped(world, amina, 34.51, 69.11, "EVENT", title="Feast", start_date="2031-03-21")
    bakery = shop(world, amina, 34.52, 69.12, name="Bakery")
    world.sql(
        "UPDATE posts SET attachments = $2::text::json WHERE id::text = $1 RETURNING 1",
        carpet["id"],
        '[{"photo": {"thumbnail_url": "https://cdn.example.org/a_thumb.webp"}}]',
    )
    found = {marker["id"]: marker for marker in drawn(world, HERE)["data"]}
    nothing = dict.fromkeys(
        ("thumbnail_url", "category_id", "price", "currency", "free", "start_date", "distance_km")
    )
    assert found == {
        carpet["id"]: {
            **nothing, "id": carpet["id"], "kind": "post", "type": "SELL", "location": {"lat": 34.50, "lng": 69.10},
            "title": "Carpet", "thumbnail_url": "https://cdn.example.org/a_thumb.webp",
            "category_id": category(world), "price": "1500.00", "currency": "AFN", "free": False,
        },
        feast["id"]: {
            **nothing, "id": feast["id"], "kind": "post", "type": "EVENT", "location": {"lat": 34.51, "lng": 69.11},
            "title": "Feast", "start_date": "2031-03-21",
        },
        bakery["id"]: {
            **nothing, "id": bakery["id"], "kind": "business", "type": None, "title": "Bakery",
            "location": {"lat": 34.52, "lng": 69.12},
        },
    }  # fmt: skip
    assert set(marked(world, f"{HERE}&kind=posts")) == {carpet["id"], feast["id"]}
    assert marked(world, f"{HERE}&kind=businesses") == [bakery["id"]]
    assert marked(world, f"{HERE}&type=EVENT") == [feast["id"]]
    assert set(marked(world, f"{HERE}&type=EVENT&type=SELL")) == {carpet["id"], feast["id"]}
    assert set(marked(world, f"{HERE}&type=EVENT&kind=all")) == {feast["id"], bakery["id"]}
    assert marked(world, f"{HERE}&category_id={category(world)}") == [carpet["id"]]
    assert set(marked(world, f"{HERE}&kind=all")) == set(found)


def test_a_category_of_businesses(world: World) -> None:
    amina = world.person()
    kinds = [row["id"] for row in world.sql("SELECT id FROM business_categories ORDER BY name LIMIT 2")]
    bakery = shop(world, amina, *KABUL, category_ids=[str(kinds[0])])
    shop(world, amina, *KABUL, category_ids=[str(kinds[1])])
    for query in (HERE, f"{HERE}&zoom=18", f"{HERE}&zoom=4"):
        assert marked(world, f"{query}&category_id={kinds[0]}") == [bakery["id"]]


@pytest.mark.rule("hamsaya:116")
def test_what_hides_its_address_is_not_on_the_map(world: World) -> None:
    amina, bilal = world.person(), world.person()
    write(world, amina, user_location={"lat": 34.5, "lng": 69.1})
    mapped(world, amina, 34.5, 69.1, is_location=False)
    shop(world, amina, 34.5, 69.1, show_location=False)
    for who in (amina, bilal, None):
        for zoom in ("", "&zoom=10"):
            found = drawn(world, f"{WORLD}{zoom}", who)
            assert (found["data"], found["clusters"]) == ([], [])


@pytest.mark.rule("hamsaya:89", "hamsaya:149")
@pytest.mark.parametrize("query", [HERE, f"{HERE}&zoom=13", "lat=34.53&lng=69.17"])
def test_who_sees_what_on_the_map(world: World, query: str) -> None:
    amina, friend, stranger, blocked = (world.person() for _ in range(4))
    friends(world, amina, friend)
    block(world, amina, blocked)
    everybody = {"amina": amina, "friend": friend, "stranger": stranger, "blocked": blocked, "nobody": None}

    def seen() -> set[str]:
        return {name for name, who in everybody.items() if marked(world, query, who) == [post["id"]]}

    post = mapped(world, amina, *KABUL)
    assert seen() == {"amina", "friend", "stranger", "nobody"}
    for change, expected in (
        ("UPDATE posts SET visibility = 'FRIENDS'", {"amina", "friend"}),
        ("UPDATE posts SET visibility = 'PRIVATE'", {"amina"}),
        ("UPDATE posts SET visibility = 'PUBLIC', status = false", set()),
        ("UPDATE posts SET status = true", {"amina", "friend", "stranger", "nobody"}),
        ("UPDATE posts SET deleted_at = now()", set()),
        ("UPDATE posts SET deleted_at = NULL", {"amina", "friend", "stranger", "nobody"}),
        ("UPDATE posts SET is_location = false", set()),
        ("UPDATE posts SET is_location = true", {"amina", "friend", "stranger", "nobody"}),
    ):
        world.sql(f"{change} WHERE id::text = $1 RETURNING 1", post["id"])
        assert seen() == expected, change
    for change, expected in (
        ("is_private = true", {"amina", "friend"}),
        ("is_private = false, suspended = true", set()),
        ("suspended = false, deleted_at = now()", set()),
        ("deleted_at = NULL", {"amina", "friend", "stranger", "nobody"}),
    ):
        world.sql(f"UPDATE profiles SET {change} WHERE id = $1 RETURNING 1", amina.id)
        assert seen() == expected, change
    world.post(f"/api/v1/users/{amina.id}/mute", stranger)
    assert seen() == {"amina", "friend", "nobody"}


@pytest.mark.rule("hamsaya:149")
@pytest.mark.parametrize("query", [HERE, f"{HERE}&zoom=13"])
def test_businesses_that_are_off_or_of_blocked_people_are_not_on_the_map(world: World, query: str) -> None:
    amina, bilal = world.person(), world.person()
    bakery = shop(world, amina, *KABUL)
    post = mapped(world, amina, 34.6, 69.3, business_id=bakery["id"])
    assert set(marked(world, query, bilal)) == {bakery["id"], post["id"]}
    for off, on in (("status = false", "status = true"), ("deleted_at = now()", "deleted_at = NULL")):
        world.sql(f"UPDATE business_profiles SET {off} WHERE id::text = $1 RETURNING 1", bakery["id"])
        assert marked(world, query, bilal) == []
        world.sql(f"UPDATE business_profiles SET {on} WHERE id::text = $1 RETURNING 1", bakery["id"])
        assert len(marked(world, query, bilal)) == 2
    block(world, bilal, amina)
    assert marked(world, query, bilal) == []


@pytest.mark.rule("hamsaya:111", "hamsaya:112")
def test_a_circle_holds_what_is_near_nearest_first(world: World) -> None:
    amina = world.person()
    # East is nearer than north here, although both are as many degrees away.
    north, east = mapped(world, amina, 34.63, 69.17), mapped(world, amina, 34.53, 69.27)
    far, here = mapped(world, amina, 34.53, 69.40), shop(world, amina, *KABUL)
    found = drawn(world, "lat=34.53&lng=69.17&radius_km=15")
    assert ids(found["data"]) == [here["id"], east["id"], north["id"]]
    assert [marker["distance_km"] for marker in found["data"]] == [0.0, 9.2, 11.1]
    assert marked(world, "lat=34.53&lng=69.17") == [here["id"], east["id"]]
    assert far["id"] in marked(world, "lat=34.53&lng=69.17&radius_km=30")


@pytest.mark.parametrize("zoom", ["", "&zoom=3", "&zoom=17"])
def test_a_box_across_the_antimeridian(world: World, zoom: str) -> None:
    amina = world.person()
    west, east = mapped(world, amina, 10, 179.5), mapped(world, amina, -10, -179.5)
    mapped(world, amina, 0, 0)
    shop(world, amina, 0, 179.0)
    query = f"min_lat=-20&min_lng=170&max_lat=20&max_lng=-170{zoom}"
    assert set(marked(world, f"{query}&kind=posts")) == {west["id"], east["id"]}
    assert len(marked(world, query)) == 3
    assert marked(world, f"lat=-10&lng=179.9&radius_km=100{zoom}") == [east["id"]]
    # The other way round it is all but a strip.
    assert len(marked(world, f"min_lat=-20&min_lng=-179&max_lat=20&max_lng=179{zoom}")) == 2


def test_the_limit_keeps_the_middle(world: World) -> None:
    amina = world.person()
    posts = [mapped(world, amina, 34.5 + n / 100, 69.1)["id"] for n in range(6)]
    shop(world, amina, 34.5005, 69.1)
    found = drawn(world, "min_lat=34.3&min_lng=69.0&max_lat=34.7&max_lng=69.2&limit=3")
    assert ids(found["data"])[0] == posts[0] and len(found["data"]) == 3 and found["truncated"]
    assert not drawn(world, f"{HERE}&limit=7")["truncated"]
    assert drawn(world, f"{HERE}&limit=6")["truncated"]


@pytest.mark.parametrize("path", [DISCOVER, MARKERS])
@pytest.mark.parametrize(
    "query, fields",
    [("", {"lat", "lng"}), ("lat=1", {"lng"}), ("lng=1", {"lat"}), ("lat=91&lng=0", {"lat"}),
     ("lat=0&lng=181", {"lng"}), ("lat=nan&lng=0", {"lat"}), ("lat=0&lng=0&radius_km=0", {"radius_km"}),
     ("lat=0&lng=0&radius_km=100.1", {"radius_km"}), ("min_lat=1", {"min_lng", "max_lat", "max_lng"}),
     ("min_lat=1&min_lng=1&max_lat=2", {"max_lng"}), ("min_lat=2&min_lng=1&max_lat=1&max_lng=2", {"min_lat"}),
     ("min_lat=-91&min_lng=1&max_lat=1&max_lng=2", {"min_lat"}), (f"{WORLD}&type=X", {"type[0]"}),
     (f"{WORLD}&kind=people", {"kind"}), (f"{WORLD}&limit=0", {"limit"}), (f"{WORLD}&limit=501", {"limit"}),
     (f"{WORLD}&category_id=1", {"category_id"})],
)  # fmt: skip
def test_a_bad_area_is_named(world: World, path: str, query: str, fields: set[str]) -> None:
    assert faults(world.get(f"{path}?{query}")) == fields


@pytest.mark.parametrize("zoom", ["-1", "23", "2.5", "x"])
def test_a_bad_zoom_is_named(world: World, zoom: str) -> None:
    assert faults(world.get(f"{MARKERS}?{WORLD}&zoom={zoom}")) == {"zoom"}


def cost(world: World, query: str, who: Person) -> int:
    with counted(world) as seen:
        drawn(world, query, who)
    return len(seen)


@pytest.mark.parametrize("query", [HERE, f"{HERE}&zoom=12", "lat=34.53&lng=69.17"])
def test_the_map_costs_the_same_however_much_there_is(world: World, query: str) -> None:
    amina = world.person()
    mapped(world, amina, *KABUL)
    shop(world, amina, 34.6, 69.3)
    cost(world, query, amina)  # once before, as the driver looks up types
    before = cost(world, query, amina)
    for n in range(6):
        mapped(world, amina, 34.53 + n / 100, 69.17)
        shop(world, amina, 34.61 + n / 100, 69.3)
    assert cost(world, query, amina) <= before <= 4


def test_a_point_without_the_other_side_of_the_profile(world: World) -> None:
    """The map is not drawn around the profile by itself: the client says what it shows."""
    amina: Any = world.person()
    world.put("/api/v1/users/me", amina, {"location": {"lat": 34.5, "lng": 69.1}})
    assert faults(world.get(MARKERS, amina)) == {"lat", "lng"}
