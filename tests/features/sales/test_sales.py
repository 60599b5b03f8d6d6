"""Goods: which are listed, in which order, and who marks them as sold."""

import asyncio
from typing import Any

import pytest

from tests.features.posts.writing import POSTS, block, category, faults, friends, write
from tests.features.queries import counted
from tests.world import Person, World

SALES = "/api/v1/sales"
MINE = SALES + "/my-listings"


def listed(world: World, query: str = "", who: Person | None = None, path: str = SALES) -> list[str]:
    """The ids of a list."""
    answer = world.get(f"{path}?{query}", who)
    assert answer.status_code == 200, answer.text
    return [post["id"] for post in answer.json()["data"]]


def mark(world: World, who: Person, post: dict[str, Any], state: str) -> dict[str, Any]:
    answer = world.put(f"{SALES}/{post['id']}/{state}", who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told_of_sale(world: World, who: Person) -> int:
    """How often somebody was told that something is sold, once all jobs have run."""
    world.drain()
    return len(world.get("/api/v1/notifications?type=SALE_SOLD", who).json()["data"])


@pytest.mark.rule("hamsaya:84", "hamsaya:144")
def test_only_goods_stand_under_sales(world: World) -> None:
    amina = world.person()
    others = [write(world, amina, kind) for kind in ("FEED", "EVENT", "PULL")]
    sale = write(world, amina, "SELL", discount="10.00", contact_no="700123456", country_code="+93")
    assert listed(world) == [sale["id"]]
    found = world.get(f"{SALES}/{sale['id']}").json()
    assert found == {**sale, "is_mine": False}
    assert (found["price"], found["currency"], found["discount"]) == ("1500.00", "AFN", "10.00")
    assert (found["free"], found["sold"], found["is_promoted"], found["is_location"]) == (False,) * 4
    for other in others:
        assert world.get(f"{SALES}/{other['id']}", amina).status_code == 404
        for state in ("sold", "available"):
            assert world.put(f"{SALES}/{other['id']}/{state}", amina).status_code == 404
    assert world.get(f"{SALES}/of-all-kinds").status_code == 404


@pytest.mark.rule("hamsaya:143", "hamsaya:163")
def test_the_seller_marks_as_sold_and_back(world: World) -> None:
    amina, bilal = world.person(), world.person()
    sale = write(world, amina, "SELL")
    path = f"{SALES}/{sale['id']}"
    first = mark(world, amina, sale, "sold")
    assert first["sold"] is True
    assert first["id"] == sale["id"] and first["category"] == sale["category"]
    again = mark(world, amina, sale, "sold")
    assert again == first, "doing it again changes nothing, not even updated_at"
    assert world.get(path, bilal).json()["sold"] is True
    assert mark(world, amina, sale, "available")["sold"] is False
    for state in ("sold", "available"):
        assert world.put(f"{path}/{state}", bilal).status_code == 403
        assert world.put(f"{path}/{state}").status_code == 401
    block(world, amina, bilal)
    assert world.put(f"{path}/sold", bilal).status_code == 404
    assert world.get(path, amina).json()["sold"] is False
    world.delete(f"{POSTS}/{sale['id']}", amina)
    assert world.put(f"{path}/sold", amina).status_code == 404


@pytest.mark.rule("hamsaya:144")
def test_what_is_sold_is_left_out_unless_asked_for(world: World) -> None:
    amina, bilal = world.person(), world.person()
    carpet, kettle, hidden = (
        write(world, amina, "SELL", title=title) for title in ("Carpet", "Kettle", "Lamp")
    )
    theirs = write(world, bilal, "SELL")
    world.put(f"{POSTS}/{hidden['id']}", amina, {"status": False})
    mark(world, amina, carpet, "sold")
    assert listed(world) == [theirs["id"], kettle["id"]]
    assert listed(world, "sold=false") == [theirs["id"], kettle["id"]]
    assert listed(world, "sold=true") == [carpet["id"]]
    assert listed(world, "", amina, MINE) == [hidden["id"], kettle["id"], carpet["id"]]
    assert listed(world, "sold=true", amina, MINE) == [carpet["id"]]
    assert listed(world, "sold=false&status=true", amina, MINE) == [kettle["id"]]
    assert listed(world, "status=false", amina, MINE) == [hidden["id"]]
    assert listed(world, f"category_id={carpet['category_id']}&limit=1", amina, MINE) == [hidden["id"]]
    assert listed(world, "", bilal, MINE) == [theirs["id"]]
    assert world.get(MINE).status_code == 401


@pytest.mark.rule("hamsaya:109")
def test_filters_combine_freely(world: World) -> None:
    amina, bilal = world.person(), world.person()
    (other,) = {row["id"] for row in world.sql("SELECT id FROM sell_categories WHERE name = 'Food'")}
    carpet = write(
        world, amina, "SELL", province="Herat", country="Afghanistan", district="Injil", neighborhood="Bagh"
    )
    rug = write(world, amina, "SELL", title="Rug of wool", price="80", currency="usd", province="Kabul")
    bread = write(
        world, bilal, "SELL", title="Bread", category_id=str(other), free=True, price=None, currency=None
    )
    goods = {carpet["id"]: "carpet", rug["id"]: "rug", bread["id"]: "bread"}
    expected = {
        f"category_id={other}": {"bread"},
        f"category_id={carpet['category_id']}": {"carpet", "rug"},
        "min_price=80": {"carpet", "rug"},
        "min_price=80.01": {"carpet"},
        "max_price=80": {"rug"},
        "min_price=10&max_price=1500": {"carpet", "rug"},
        "currency=USD": {"rug"},
        "currency=afn": {"carpet"},
        "free=true": {"bread"},
        "free=false": {"carpet", "rug"},
        "province=herat": {"carpet"},
        "country=afghanistan&district=injil&neighborhood=bagh": {"carpet"},
        "q=woo": {"rug"},
        "q=wool&province=Herat": set(),
        f"user_id={bilal.id}": {"bread"},
        f"business_id={bilal.id}": set(),
        f"date_from={carpet['created_at'][:10]}": {"carpet", "rug", "bread"},
        "date_to=2020-01-01": set(),
    }
    found = {query: {goods[id] for id in listed(world, query)} for query in expected}
    assert found == expected


def test_goods_are_ordered_by_price(world: World) -> None:
    amina = world.person()
    prices = ("20", "5", None, "100", "5")
    made = {
        write(world, amina, "SELL", price=price, currency=price and "AFN", free=price is None)["id"]: price
        for price in prices
    }
    assert [made[id] for id in listed(world, "sort=price_asc")] == [None, "5", "5", "20", "100"]
    assert [made[id] for id in listed(world, "sort=price_desc")] == ["100", "20", "5", "5", None]
    for order in ("price_asc", "price_desc", "recent"):
        pages, cursor = [], ""
        while cursor is not None:
            page = world.get(
                f"{SALES}?sort={order}&limit=2&cursor={cursor}" if cursor else f"{SALES}?sort={order}&limit=2"
            )
            pages += [post["id"] for post in page.json()["data"]]
            cursor = page.json()["next_cursor"]
        assert pages == listed(world, f"sort={order}"), order
    offset = world.get(f"{SALES}?sort=price_asc&limit=2&offset=3").json()
    assert ([made[post["id"]] for post in offset["data"]], offset["total"]) == (["20", "100"], 5)
    strange = world.get(f"{SALES}?sort=price_asc&limit=2").json()["next_cursor"]
    assert world.get(f"{SALES}?sort=price_desc&cursor={strange}").status_code == 400


@pytest.mark.rule("hamsaya:108", "hamsaya:107")
def test_goods_around_a_point(world: World) -> None:
    amina, bilal = world.person(), world.person()
    kabul = {"lat": 34.5553, "lng": 69.2075}
    near = write(world, amina, "SELL", is_location=True, address_location=kabul)
    far = write(world, amina, "SELL", is_location=True, address_location={"lat": 34.6453, "lng": 69.2075})
    write(world, amina, "SELL")
    point = "lat=34.5553&lng=69.2075"
    assert listed(world, f"sort=nearby&{point}") == [near["id"]]
    assert listed(world, f"sort=nearby&{point}&radius_km=20") == [near["id"], far["id"]]
    assert listed(world, f"{point}&radius_km=20") == [far["id"], near["id"]]
    (first, second) = world.get(f"{SALES}?sort=nearby&{point}&radius_km=20").json()["data"]
    assert (first["distance_km"], second["distance_km"]) == (0.0, 10.0)
    assert faults(world.get(f"{SALES}?sort=nearby")) == {"lat", "lng"}
    assert faults(world.get(f"{SALES}?sort=nearby", bilal)) == {"lat", "lng"}
    world.put("/api/v1/users/me", bilal, {"location": kabul})
    assert listed(world, "sort=nearby", bilal) == [near["id"]]


@pytest.mark.parametrize(
    "query, field",
    [
        ("sort=cheapest", "sort"),
        ("min_price=-1", "min_price"),
        ("max_price=NaN", "max_price"),
        ("max_price=10000000000000", "max_price"),
        ("currency=AF", "currency"),
        ("free=perhaps", "free"),
        ("sold=1.5", "sold"),
        ("category_id=food", "category_id"),
        ("date_from=yesterday", "date_from"),
        ("q=a", "q"),
        ("q=!!!", "q"),
        ("lat=34", "lng"),
        ("lng=69", "lat"),
        ("lat=91&lng=0", "lat"),
        ("lat=34&lng=69&radius_km=101", "radius_km"),
        ("limit=0", "limit"),
    ],
)
def test_a_bad_filter_is_named(world: World, query: str, field: str) -> None:
    assert faults(world.get(f"{SALES}?{query}")) == {field}


@pytest.mark.rule("hamsaya:89", "hamsaya:149")
def test_lists_and_counts_hold_what_one_may_see(world: World) -> None:
    amina, bilal, friend = (world.person() for _ in range(3))
    friends(world, amina, friend)
    write(world, amina, "SELL", visibility="PRIVATE")
    gone = write(world, amina, "SELL")
    world.delete(f"{POSTS}/{gone['id']}", amina)
    for_friends = write(world, amina, "SELL", visibility="FRIENDS")
    public = write(world, amina, "SELL")

    def seen(who: Person | None) -> tuple[list[str], int]:
        answer = world.get(f"{SALES}?offset=0", who).json()
        return [post["id"] for post in answer["data"]], answer["total"]

    assert seen(None) == seen(bilal) == ([public["id"]], 1)
    assert seen(friend) == ([public["id"], for_friends["id"]], 2)
    block(world, bilal, amina)
    assert seen(bilal) == ([], 0)
    assert world.get(f"{SALES}/{public['id']}", bilal).status_code == 404
    assert world.get(f"{SALES}/{for_friends['id']}").status_code == 404
    assert world.get(f"{SALES}/{for_friends['id']}", friend).status_code == 200


def test_whom_one_mutes_is_found_only_when_looked_for(world: World) -> None:
    amina, bilal = world.person(), world.person()
    carpet = write(world, amina, "SELL")
    assert world.post(f"/api/v1/users/{amina.id}/mute", bilal).status_code == 200
    assert listed(world, "", bilal) == []
    assert listed(world) == listed(world, "q=carpet", bilal) == [carpet["id"]]
    assert listed(world, f"user_id={amina.id}", bilal) == [carpet["id"]]
    assert world.get(f"{SALES}/{carpet['id']}", bilal).status_code == 200


def test_a_list_takes_the_same_queries_whatever_its_size(world: World) -> None:
    amina, bilal = world.person(), world.person()
    write(world, amina, "SELL")

    def queries(path: str, who: Person) -> int:
        world.get(path, who)
        with counted(world) as seen:
            assert world.get(path, who).status_code == 200
        return len(seen)

    paths = [(f"{SALES}?sort=price_asc", bilal), (SALES, bilal), (MINE, amina)]
    before = [queries(*path) for path in paths]
    for _ in range(5):
        write(world, amina, "SELL")
    assert [queries(*path) for path in paths] == before
    assert max(before) <= 3, before


def test_who_bookmarked_is_told_of_the_sale_once(world: World) -> None:
    amina, bilal, third, foe = (world.person() for _ in range(4))
    sale = write(world, amina, "SELL")
    for who in (amina, bilal, foe):
        assert world.post(f"{POSTS}/{sale['id']}/bookmark", who).status_code == 200
    block(world, amina, foe)
    mark(world, amina, sale, "sold")
    assert [told_of_sale(world, who) for who in (amina, bilal, third, foe)] == [0, 1, 0, 0]
    (note,) = world.get("/api/v1/notifications?category=SALES", bilal).json()["data"]
    assert (note["type"], note["data"]) == ("SALE_SOLD", {"user_id": str(amina.id), "post_id": sale["id"]})
    mark(world, amina, sale, "available")
    mark(world, amina, sale, "sold")
    assert told_of_sale(world, bilal) == 1


def test_what_is_to_be_had_again_before_anybody_heard_is_not_told(world: World) -> None:
    amina, bilal = world.person(), world.person()
    sale = write(world, amina, "SELL")
    world.post(f"{POSTS}/{sale['id']}/bookmark", bilal)
    mark(world, amina, sale, "sold")
    mark(world, amina, sale, "available")
    assert told_of_sale(world, bilal) == 0


def test_a_sale_at_once_is_one_fact(clone: World) -> None:
    amina, bilal = clone.person(), clone.person()
    sale = write(clone, amina, "SELL")
    clone.post(f"{POSTS}/{sale['id']}/bookmark", bilal)

    async def at_once() -> list[int]:
        path = f"{SALES}/{sale['id']}/sold"
        return [
            a.status_code
            for a in await asyncio.gather(*(clone.http.put(path, headers=amina.auth) for _ in range(10)))
        ]

    assert clone.go(at_once()) == [200] * 10
    jobs = clone.sql("SELECT count(*) AS n FROM pgqueuer WHERE entrypoint LIKE '%:ItemSold'")
    assert jobs == [{"n": 1}]
    mark(clone, amina, sale, "available")  # the control: a sale that is new is another fact
    mark(clone, amina, sale, "sold")
    jobs = clone.sql("SELECT count(*) AS n FROM pgqueuer WHERE entrypoint LIKE '%:ItemSold'")
    assert jobs == [{"n": 2}]


@pytest.mark.rule("hamsaya:84", "hamsaya:142")
def test_goods_go_into_active_categories_only(world: World) -> None:
    amina, admin = world.person(), world.person(role="admin")
    kind = category(world)
    old = write(world, amina, "SELL")
    assert world.put(f"{SALES}/categories/{kind}", admin, {"status": "INACTIVE"}).status_code == 200
    fields = {"type": "SELL", "title": "Kettle", "category_id": kind, "free": True}
    assert faults(world.post(POSTS, amina, fields)) == {"category_id"}
    assert faults(world.post(POSTS, amina, {**fields, "category_id": str(amina.id)})) == {"category_id"}
    assert world.get(f"{SALES}/{old['id']}").json()["category"]["status"] == "INACTIVE"
    assert world.put(f"{SALES}/categories/{kind}", admin, {"status": "ACTIVE"}).status_code == 200
    assert world.post(POSTS, amina, fields).status_code == 201
