"""Feeds: orders, filters, pages, search."""

from datetime import timedelta
from typing import Any

import pytest

from majlis.features.browsing import store as browsing
from majlis.kit import clock
from tests.features.posts.writing import POSTS, category, faults, write
from tests.world import Person, World

KABUL, KARTE_SEH, HERAT = (
    {"lat": 34.5281, "lng": 69.1723},
    {"lat": 34.5070, "lng": 69.1300},
    {"lat": 34.35, "lng": 62.2},
)


def ids(world: World, path: str, who: Person | None = None) -> list[str]:
    answer = world.get(path, who)
    assert answer.status_code == 200, answer.text
    return [post["id"] for post in answer.json()["data"]]


def pages(world: World, path: str, size: int) -> list[str]:
    """All ids, page by page."""
    found: list[str] = []
    cursor = None
    for _ in range(100):
        body = world.get(
            f"{path}{'&' if '?' in path else '?'}limit={size}" + (f"&cursor={cursor}" if cursor else "")
        ).json()
        assert len(body["data"]) <= size
        found += [post["id"] for post in body["data"]]
        cursor = body["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


def aged(world: World, post: dict[str, Any], by: timedelta) -> None:
    world.sql(
        "UPDATE posts SET created_at = created_at - $2::interval WHERE id::text = $1 RETURNING 1",
        post["id"],
        by,
    )


@pytest.mark.rule("hamsaya:100", "hamsaya:101")
def test_recent_is_the_default_newest_first_on_every_page(world: World) -> None:
    amina = world.person()
    posts = [write(world, amina, description=str(n))["id"] for n in range(7)]
    posts.reverse()
    assert ids(world, POSTS) == ids(world, f"{POSTS}?sort=recent") == posts
    assert pages(world, POSTS, 3) == posts
    assert ids(world, f"{POSTS}?limit=3&offset=2") == posts[2:5]
    assert world.get(f"{POSTS}?limit=3&offset=2").json()["total"] == 7
    assert "total" not in world.get(POSTS).json()


def test_a_new_post_does_not_shift_later_pages(world: World) -> None:
    amina = world.person()
    posts = [write(world, amina)["id"] for _ in range(4)][::-1]
    first = world.get(f"{POSTS}?limit=2").json()
    write(world, amina)
    assert ids(world, f"{POSTS}?limit=2&cursor={first['next_cursor']}") == posts[2:]


def test_posts_of_the_same_moment_keep_their_order(world: World) -> None:
    with clock.frozen(clock.now()):
        posts = [write(world, world.person())["id"] for _ in range(6)]
    assert pages(world, POSTS, 2) == sorted(posts, reverse=True)


@pytest.mark.rule("hamsaya:102", "hamsaya:108", "hamsaya:111", "hamsaya:112")
def test_nearby_is_nearest_first_within_the_radius(world: World) -> None:
    amina = world.person()
    far = write(world, amina, user_location=HERAT)
    near = write(world, amina, user_location=KABUL)
    middle = write(world, amina, address_location=KARTE_SEH)
    write(world, amina)
    around = "lat=34.528&lng=69.172"
    assert ids(world, f"{POSTS}?sort=nearby&{around}") == [near["id"], middle["id"]]
    assert ids(world, f"{POSTS}/nearby?{around}&radius_km=2") == [near["id"]]
    assert pages(world, f"{POSTS}/nearby?{around}", 1) == [near["id"], middle["id"]]
    assert far["id"] not in ids(world, f"{POSTS}/nearby?{around}&radius_km=100")
    found = world.get(f"{POSTS}/nearby?{around}").json()["data"]
    assert [post["distance_km"] for post in found] == [0.0, 4.5]
    assert ids(world, f"{POSTS}/nearby?{around}&type=SELL") == []


@pytest.mark.rule("hamsaya:102", "hamsaya:108")
def test_nearby_takes_the_place_of_the_profile(world: World) -> None:
    amina, bilal = world.person(), world.person()
    near = write(world, amina, user_location=KABUL)
    assert faults(world.get(f"{POSTS}/nearby", bilal)) == {"lat", "lng"}
    assert faults(world.get(f"{POSTS}?sort=nearby")) == {"lat", "lng"}
    world.put("/api/v1/users/me", bilal, {"location": KABUL})
    assert ids(world, f"{POSTS}/nearby", bilal) == [near["id"]]
    assert ids(world, f"{POSTS}/nearby?lat=34.35&lng=62.2&radius_km=10", bilal) == []
    assert faults(world.get(f"{POSTS}/nearby?lat=34.35")) == {"lng"}
    assert faults(world.get(f"{POSTS}/nearby?lat=1&lng=1&radius_km=101")) == {"radius_km"}


@pytest.mark.parametrize("lng, other", [(179.99, -179.99), (-179.99, 179.99)])
def test_nearby_crosses_the_antimeridian(world: World, lng: float, other: float) -> None:
    post = write(world, world.person(), user_location={"lat": 0.0, "lng": other})
    assert ids(world, f"{POSTS}/nearby?lat=0&lng={lng}") == [post["id"]]


@pytest.mark.rule("hamsaya:103", "hamsaya:104", "hamsaya:105")
def test_trending_is_by_score_over_seven_days(world: World) -> None:
    amina = world.person()
    scores = {
        "old": (100, 0, 0, 24),
        "shared": (0, 0, 5, 1),
        "liked": (12, 0, 0, 1),
        "quiet": (0, 0, 0, 1),
        "talked": (0, 8, 0, 0),
    }
    posts = {}
    for name, (likes, comments, shares, hours) in scores.items():
        posts[name] = write(world, amina, description=name)
        world.sql(
            "UPDATE posts SET total_likes = $2, total_comments = $3, total_shares = $4 WHERE id::text = $1 RETURNING 1",
            posts[name]["id"], likes, comments, shares,
        )  # fmt: skip
        aged(world, posts[name], timedelta(hours=hours))
    gone = write(world, amina)
    world.sql("UPDATE posts SET total_likes = 1000 WHERE id::text = $1 RETURNING 1", gone["id"])
    aged(world, gone, timedelta(days=7, minutes=1))
    order = [posts[name]["id"] for name in ("shared", "talked", "liked", "old", "quiet")]
    assert ids(world, f"{POSTS}?sort=trending") == ids(world, f"{POSTS}/trending") == order
    assert pages(world, f"{POSTS}/trending", 2) == order
    found = {
        post["description"]: post["trending_score"] for post in world.get(f"{POSTS}/trending").json()["data"]
    }
    assert found["talked"] == pytest.approx(24.0)  # younger than an hour counts as an hour
    assert found["old"] == pytest.approx(200 / 24**1.5, rel=1e-3)


@pytest.mark.rule("hamsaya:105")
def test_ties_in_trending_fall_to_the_newer(world: World) -> None:
    amina = world.person()
    posts = [write(world, amina)["id"] for _ in range(3)]
    assert ids(world, f"{POSTS}/trending") == posts[::-1]


@pytest.mark.rule("hamsaya:109")
def test_filters_combine(world: World) -> None:
    amina, bilal = world.person(), world.person()
    place = {"country": "Afghanistan", "province": "Kabul", "district": "Karte Seh", "neighborhood": "West"}
    carpet = write(world, amina, "SELL", title="Carpet", price="100.00", **place)
    kettle = write(world, bilal, "SELL", title="Kettle", price="20.00", currency="USD", province="Herat")
    gift = write(world, bilal, "SELL", title="Gift", free=True)
    feast = write(world, amina, "EVENT", title="Feast", start_date="2031-05-01")
    words = write(world, bilal, description="Carpet cleaning")
    everything = {carpet["id"], kettle["id"], gift["id"], feast["id"], words["id"]}
    expected = {
        "type=SELL": {carpet["id"], kettle["id"], gift["id"]},
        "type=SELL&type=EVENT": everything - {words["id"]},
        f"category_id={category(world)}": {carpet["id"], kettle["id"], gift["id"]},
        f"user_id={amina.id}": {carpet["id"], feast["id"]},
        "country=afghanistan": {carpet["id"]},
        "province=Kabul": {carpet["id"]},
        "district=karte%20seh&neighborhood=west": {carpet["id"]},
        "min_price=20": {carpet["id"], kettle["id"]},
        "min_price=20&max_price=99.99": {kettle["id"]},
        "currency=usd": {kettle["id"]},
        "free=true": {gift["id"]},
        "sold=false&type=SELL": {carpet["id"], kettle["id"], gift["id"]},
        "sold=true": set(),
        "date_from=2031-05-01&date_to=2031-05-01": {feast["id"]},
        "date_to=2031-04-30": everything - {feast["id"]},
        "q=carpet": {carpet["id"], words["id"]},
        f"q=carpet&type=SELL&province=Kabul&max_price=100&user_id={amina.id}&currency=AFN": {carpet["id"]},
        "business_id=00000000-0000-0000-0000-000000000000": set(),
    }
    for query, wanted in expected.items():
        assert set(ids(world, f"{POSTS}?{query}")) == wanted, query


@pytest.mark.parametrize(
    "query, field",
    [("type=X", "type[0]"), ("limit=0", "limit"), ("limit=101", "limit"), ("limit=a", "limit"), ("sort=best", "sort"),
     ("lat=91&lng=0", "lat"), ("lat=nan&lng=0", "lat"), ("min_price=-1", "min_price"), ("min_price=NaN", "min_price"),
     ("free=maybe", "free"), ("date_from=yesterday", "date_from"), ("category_id=1", "category_id"), ("q=a", "q"),
     ("q=%01%01", "q"), ("offset=-1", "offset"), ("radius_km=0", "radius_km"), ("currency=afghani", "currency")],
)  # fmt: skip
def test_a_bad_filter_is_named(world: World, query: str, field: str) -> None:
    assert field in faults(world.get(f"{POSTS}?{query}"))


@pytest.mark.parametrize("cursor", ["x", "a" * 60, "%00", "é"])
def test_a_bad_cursor_is_refused(world: World, cursor: str) -> None:
    assert world.get(f"{POSTS}?cursor={cursor}").status_code == (422 if cursor == "%00" else 400)


def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    amina = world.person()
    for _ in range(3):
        write(world, amina)
    cursor = world.get(f"{POSTS}?limit=1").json()["next_cursor"]
    assert world.get(f"{POSTS}/trending?cursor={cursor}").status_code == 400


@pytest.mark.rule("hamsaya:110")
@pytest.mark.parametrize(
    "text, words, strangers",
    [
        ("نان تازه در کارته سه", ["نان", "تاز", "کارته سه"], ["قالین"]),
        ("تازه ډوډۍ په ښار کې", ["ډوډ", "ښار"], ["کور"]),
        ("كتاب خوب براى كودكان", ["کتاب", "كِتاب", "برای", "کودک"], ["کتابی"]),
        ("Свежий хлеб на углу", ["хлеб", "СВЕЖ", "угл"], ["молоко"]),
        ("ትኩስ ዳቦ በከተማ", ["ዳቦ", "ትኩ"], ["ወተት"]),
        ("Fresh bread, o'clock: 6:30!", ["bre", "FRESH bread", "o'clock", "6:30"], ["milk", "read"]),
    ],
)
def test_search_finds_the_beginnings_of_words(
    world: World, text: str, words: list[str], strangers: list[str]
) -> None:
    post = write(world, world.person(), description=text)
    for path in (f"{POSTS}/search", "/api/v1/search/posts"):
        for word in words:
            assert [p["id"] for p in world.get(path, params={"q": word}).json()["data"]] == [post["id"]], word
        for word in strangers:
            assert world.get(path, params={"q": word}).json()["data"] == [], word
    assert faults(world.get(f"{POSTS}/search")) == {"q"}


def test_search_orders_by_relevance_page_by_page(world: World) -> None:
    amina = world.person()
    some = write(world, amina, description="wheat and rice and beans and lentils")["id"]
    most = write(world, amina, title="wheat", description="wheat wheat", type="FEED")["id"]
    less = write(world, amina, description="rice")["id"]
    assert pages(world, f"{POSTS}/search?q=wheat", 1) == [most, some]
    assert ids(world, f"{POSTS}/search?q=rice&sort=recent") == [less, some]
    for hostile in ("' | 'a", "a:*", "!!", "\\", "<->", "'); DROP TABLE posts --", "a & b | !c"):
        assert world.get(f"{POSTS}/search", params={"q": hostile}).status_code in (200, 422)


def test_somebodys_posts(world: World) -> None:
    amina, bilal = world.person(), world.person()
    post, event = write(world, amina)["id"], write(world, amina, "EVENT")["id"]
    write(world, bilal)
    assert ids(world, f"/api/v1/users/{amina.id}/posts") == [event, post]
    assert ids(world, f"/api/v1/users/{amina.id}/posts?type=FEED", bilal) == [post]
    assert ids(world, "/api/v1/users/me/posts", amina) == [event, post]
    assert world.get("/api/v1/users/00000000-0000-0000-0000-000000000000/posts").status_code == 404


@pytest.mark.parametrize("kind", ["FEED", "EVENT", "SELL", "PULL"])
def test_a_page_costs_the_same_whatever_its_size(world: World, kind: str) -> None:
    amina = world.person()
    for _ in range(8):
        post = write(world, amina, kind)
        world.post(f"{POSTS}/{post['id']}/share", amina, {})

    async def queries(limit: int) -> int:
        from majlis.features.browsing import service
        from majlis.features.posts.model import Filter
        from majlis.kit.page import Paging

        async with world.app.db.read() as tx:
            before = tx.queries
            await service.listing(tx, amina.me, Filter(), "recent", Paging(limit))
            return tx.queries - before

    assert world.go(queries(2)) == world.go(queries(16)) <= 4


@pytest.mark.parametrize(
    "path", [POSTS, f"{POSTS}/trending", f"{POSTS}/nearby?lat=34.5&lng=69.1", f"{POSTS}/search?q=bread"]
)
def test_offset_paging_counts_in_every_order(world: World, path: str) -> None:
    amina = world.person()
    for _ in range(3):
        write(world, amina, user_location=KARTE_SEH)
    body = world.get(f"{path}{'&' if '?' in path else '?'}limit=2&offset=1").json()
    assert (len(body["data"]), body["total"]) == (2, 3)


@pytest.mark.parametrize("ranked", [8, 1])
def test_trending_goes_on_behind_high_scores_that_are_hidden(
    world: World, monkeypatch: pytest.MonkeyPatch, ranked: int
) -> None:
    """Whether the first of all scores hold enough that the viewer may see, or everything has to be asked for."""
    monkeypatch.setattr(browsing, "RANKED", ranked)
    amina, zahir = world.person("Amina"), world.person("Zahir")
    shown = [write(world, amina, description=f"bread {n}")["id"] for n in range(22)]
    hidden = [write(world, amina, description="bread", visibility="PRIVATE")["id"] for _ in range(22)]
    world.sql("UPDATE posts SET total_likes = 9 WHERE id = ANY ($1::uuid[])", hidden)
    first = world.get("/api/v1/posts/trending", zahir).json()
    assert [post["id"] for post in first["data"]] == shown[:1:-1]
    rest = world.get(f"/api/v1/posts/trending?cursor={first['next_cursor']}", zahir).json()
    assert [post["id"] for post in rest["data"]] == shown[1::-1]
    assert len(world.get("/api/v1/posts/trending?limit=50", amina).json()["data"]) == 44
