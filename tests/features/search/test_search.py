"""Searching everything: words in every script, who finds what, and the directory of businesses."""

from typing import Any

import pytest

from majlis.features.browsing import store
from majlis.features.posts.model import Filter
from majlis.features.search import service as search
from majlis.features.search.model import COUNTED, WEIGHED
from majlis.kit import clock
from tests.features.discovery.mapping import ids, shop
from tests.features.posts.writing import block, faults, friends, write
from tests.features.queries import counted
from tests.world import Person, World

SEARCH, BUSINESSES = "/api/v1/search", "/api/v1/search/businesses"


def found(world: World, q: str, who: Person | None = None, **more: Any) -> dict[str, Any]:
    answer = world.get(SEARCH, who, params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) == {"posts", "users", "businesses", "totals"}
    return body


def sizes(body: dict[str, Any]) -> tuple[int, int, int]:
    return len(body["posts"]), len(body["users"]), len(body["businesses"])


def shops(world: World, query: str, who: Person | None = None) -> list[str]:
    answer = world.get(f"{BUSINESSES}?{query}", who)
    assert answer.status_code == 200, answer.text
    return ids(answer.json()["data"])


@pytest.mark.rule("hamsaya:110")
@pytest.mark.parametrize(
    "name, words, strangers",
    [
        ("نانوایی کارته سه", ["نان", "نانوايي", "کارته سه", "کا نا"], ["قالین", "وایی"]),
        ("د ښار ډوډۍ", ["ښا", "ډوډۍ", "ډوډ ښار"], ["کور"]),
        ("Свежий Хлеб", ["хлеб", "СВЕЖ", "хле све"], ["молоко", "леб"]),
        ("Fresh Bread & Tea", ["bre", "FRESH", "tea fresh"], ["milk", "read"]),
    ],
)
def test_the_beginnings_of_words_find_all_kinds(
    world: World, name: str, words: list[str], strangers: list[str]
) -> None:
    amina, viewer = world.person(name.split()[0]), world.person()
    world.put("/api/v1/users/me", amina, {"first_name": name, "last_name": None})
    post = write(world, amina, description=name)
    business = shop(world, amina, None, None, name=name)
    for word in words:
        body = found(world, word, viewer)
        assert (ids(body["posts"]), ids(body["users"]), ids(body["businesses"])) == (
            [post["id"]], [str(amina.id)], [business["id"]],
        ), word  # fmt: skip
        assert body["totals"] == {"posts": 1, "users": 1, "businesses": 1}
    for word in strangers:
        assert sizes(found(world, word, viewer)) == (0, 0, 0), word


@pytest.mark.rule("hamsaya:110")
def test_limits_count_per_kind_and_totals_count_all(world: World) -> None:
    amina, viewer = world.person(), world.person()
    people = [world.person("Wheat") for _ in range(6)]
    for n in range(7):
        write(world, amina, description=f"wheat {n}")
    for _ in range(8):
        shop(world, amina, None, None, name="Wheat shop")
    body = found(world, "wheat", viewer)
    assert sizes(body) == (5, 5, 5)
    assert body["totals"] == {"posts": 7, "users": len(people), "businesses": 8}
    assert sizes(found(world, "wheat", viewer, limit=20)) == (7, 6, 8)
    assert sizes(found(world, "wheat", viewer, limit=1)) == (1, 1, 1)
    nobody = found(world, "wheat")
    assert sizes(nobody) == (5, 0, 5) and nobody["totals"] == {"posts": 7, "users": 0, "businesses": 8}


@pytest.mark.rule("hamsaya:89", "hamsaya:149", "hamsaya:160")
def test_who_finds_whom_and_what(world: World) -> None:
    wheat, friend, stranger, blocked = world.person("Wheat"), *(world.person() for _ in range(3))
    friends(world, wheat, friend)
    block(world, wheat, blocked)
    write(world, wheat, description="wheat")
    write(world, wheat, description="wheat", visibility="FRIENDS")
    write(world, wheat, description="wheat", visibility="PRIVATE")
    shop(world, wheat, None, None, name="Wheat")
    shop(world, wheat, None, None, name="Wheat", status=False)

    def seen() -> list[tuple[int, int, int]]:
        people = (wheat, friend, stranger, blocked, None)
        bodies = [found(world, "wheat", who) for who in people]
        assert [tuple(body["totals"].values()) for body in bodies] == [sizes(body) for body in bodies]
        return [sizes(body) for body in bodies]

    assert seen() == [(3, 1, 1), (2, 1, 1), (1, 1, 1), (0, 0, 0), (1, 0, 1)]
    world.put("/api/v1/settings/privacy", wheat, {"discoverability_visibility": "Only me"})
    assert [people for _, people, _ in seen()] == [1, 0, 0, 0, 0]
    world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING 1", wheat.id)
    assert seen()[1:] == [(0, 0, 0)] * 4


@pytest.mark.rule("hamsaya:110")
def test_places_narrow_down(world: World) -> None:
    amina, viewer = world.person("Wheat"), world.person()
    here = {"country": "Afghanistan", "province": "Kabul", "district": "Karte Seh", "neighborhood": "West"}
    world.put("/api/v1/users/me", amina, here)
    point = {"lat": 34.5, "lng": 69.1}
    write(world, amina, "FEED", description="wheat", is_location=True, address_location=point, **here)
    shop(world, amina, 34.5, 69.1, name="Wheat", **here)
    write(world, amina, description="wheat", province="Herat")
    shop(world, amina, 34.3, 62.2, name="Wheat", province="Herat")
    for name, value in here.items():
        assert sizes(found(world, "wheat", viewer, **{name: value.lower()})) == (1, 1, 1), name
    assert sizes(found(world, "wheat", viewer, province="Balkh")) == (0, 0, 0)
    near = found(world, "wheat", viewer, lat=34.51, lng=69.1)
    assert sizes(near) == (1, 1, 1)
    assert near["posts"][0]["distance_km"] == near["businesses"][0]["distance_km"] == 1.1
    assert sizes(found(world, "wheat", viewer, lat=34.51, lng=69.1, radius_km=1)) == (0, 1, 0)


@pytest.mark.parametrize(
    "query, fields",
    [("", {"q"}), ("q=a", {"q"}), ("q=!!!", {"q"}), ("q=__", {"q"}), ("q=bread&limit=21", {"limit"}),
     ("q=bread&limit=0", {"limit"}), ("q=bread&lat=1", {"lng"}), ("q=bread&lng=1", {"lat"}),
     ("q=bread&lat=91&lng=0", {"lat"}), ("q=bread&radius_km=-1", {"radius_km"}), (f"q={'a' * 201}", {"q"}),
     ("q=%01%01", {"q"})],
)  # fmt: skip
def test_a_bad_search_is_named(world: World, query: str, fields: set[str]) -> None:
    assert faults(world.get(f"{SEARCH}?{query}")) == fields


HOSTILE = ("' | 'ab", "ab:*", "ab & !cd", "ab\\", "<-> ab", "'); DROP TABLE posts --", "%_ab", "ab'':*")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_search_is_an_operator(world: World, text: str) -> None:
    write(world, world.person(), description="cucumber")
    assert sizes(found(world, text, world.person())) == (0, 0, 0)
    assert world.get(BUSINESSES, params={"q": text}).json()["data"] == []


def cost(world: World, path: str, who: Person) -> int:
    with counted(world) as seen:
        assert world.get(path, who).status_code == 200
    return len(seen)


@pytest.mark.parametrize("path", [f"{SEARCH}?q=wheat&limit=20", f"{BUSINESSES}?q=wheat"])
def test_a_search_costs_the_same_however_much_it_finds(world: World, path: str) -> None:
    amina = world.person("Wheat")

    def add() -> None:
        for kind in ("FEED", "SELL", "EVENT", "PULL"):
            write(world, amina, kind, title="wheat")
        shop(world, amina, 34.5, 69.1, name="Wheat")
        world.person("Wheat")

    add()
    cost(world, path, amina)
    before = cost(world, path, amina)
    for _ in range(3):
        add()
    assert cost(world, path, amina) == before <= 18


# ---- businesses


@pytest.mark.rule("hamsaya:110")
def test_businesses_by_words_place_and_category(world: World) -> None:
    amina = world.person()
    kinds = [row["id"] for row in world.sql("SELECT id FROM business_categories ORDER BY name LIMIT 2")]
    bakery = shop(
        world, amina, None, None, name="Bakery", description="fresh bread", province="Kabul",
        category_ids=[str(kinds[0])],
    )["id"]  # fmt: skip
    tailor = shop(
        world, amina, None, None, name="Tailor", province="Herat", country="Afghanistan", district="D",
        neighborhood="N", category_ids=[str(kind) for kind in kinds],
    )["id"]  # fmt: skip
    for query, expected in {
        "q=bak": [bakery], "q=bread": [bakery], "q=bakery tail": [], "province=kabul": [bakery],
        f"category_id={kinds[0]}": [tailor, bakery], f"category_id={kinds[1]}": [tailor],
        f"category_id={kinds[0]}&q=fresh": [bakery], "country=afghanistan": [tailor], "district=d": [tailor],
        "neighborhood=n&province=Herat": [tailor], "province=Balkh": [],
    }.items():  # fmt: skip
        assert shops(world, query) == expected, query


def test_names_come_before_descriptions(world: World) -> None:
    amina = world.person()
    named = shop(world, amina, None, None, name="Wheat")["id"]
    said = shop(world, amina, None, None, name="Bakery", description="wheat")["id"]
    assert shops(world, "q=wheat") == [named, said]
    assert shops(world, "q=wheat&sort=recent") == [said, named]


@pytest.mark.rule("hamsaya:111", "hamsaya:116")
def test_businesses_around_a_point(world: World) -> None:
    amina = world.person()
    far, near = (shop(world, amina, lat, 69.1)["id"] for lat in (34.58, 34.51))
    shop(world, amina, 34.50, 69.1, show_location=False)
    shop(world, amina, 34.7, 69.1)
    here = "lat=34.5&lng=69.1"
    assert shops(world, f"{here}&sort=nearby") == [near, far]
    assert shops(world, here) == [near, far]
    assert shops(world, f"{here}&radius_km=5") == [near]
    answer = world.get(f"{BUSINESSES}?{here}&sort=nearby").json()["data"]
    assert [business["distance_km"] for business in answer] == [1.1, 8.9]
    assert faults(world.get(f"{BUSINESSES}?q=bakery&sort=nearby", amina)) == {"lat", "lng"}
    world.put("/api/v1/users/me", amina, {"location": {"lat": 34.6, "lng": 69.1}})
    assert shops(world, "q=bakery&sort=nearby", amina)[0] == far


def test_businesses_that_are_open_now(world: World) -> None:
    with clock.frozen(clock.now().replace(hour=6, minute=0)):
        amina = world.person()
        today = world.sql(
            "SELECT to_char($1::timestamptz AT TIME ZONE 'Asia/Kabul', 'FMDay') AS day", clock.now()
        )
        day = today[0]["day"]
        hours = [{"day": day, "open_time": "10:00", "close_time": "12:00"}]
        early = [{"day": day, "open_time": "06:00", "close_time": "09:00"}]
        is_open = shop(world, amina, None, None, hours=hours)["id"]
        closed = shop(world, amina, None, None, hours=early)["id"]
        assert shops(world, "open_now=true") == [is_open]
        assert shops(world, "open_now=false") == [closed]
        assert shops(world, "open_now=true&q=tailor") == []


@pytest.mark.rule("hamsaya:149")
def test_businesses_of_blocked_people_are_not_found(world: World) -> None:
    amina, bilal = world.person(), world.person()
    bakery = shop(world, amina, 34.5, 69.1)["id"]
    for query in ("q=bakery", "lat=34.5&lng=69.1&sort=nearby"):
        assert shops(world, query, bilal) == [bakery]
    block(world, bilal, amina)
    for query in ("q=bakery", "lat=34.5&lng=69.1&sort=nearby"):
        assert shops(world, query, bilal) == []
        assert shops(world, query) == [bakery]


@pytest.mark.parametrize("sort", ["relevance", "recent", "nearby"])
def test_businesses_come_page_by_page(world: World, sort: str) -> None:
    amina = world.person()
    made = {shop(world, amina, 34.5 + n / 100, 69.1)["id"] for n in range(7)}
    query = f"{BUSINESSES}?q=bakery&lat=34.5&lng=69.1&sort={sort}&limit=2"
    seen: list[str] = []
    cursor = ""
    while True:
        body = world.get(query + cursor).json()
        seen += ids(body["data"])
        if body["next_cursor"] is None:
            break
        cursor = f"&cursor={body['next_cursor']}"
    assert set(seen) == made and len(seen) == 7
    body = world.get(f"{query}&offset=3").json()
    assert (ids(body["data"]), body["total"]) == (seen[3:5], 7)
    assert "total" not in world.get(query).json()
    assert world.get(f"{query}&cursor=x").status_code == 400


@pytest.mark.parametrize(
    "query, fields",
    [("", {"q"}), ("sort=recent", {"q"}), ("radius_km=5", {"q"}), ("q=a", {"q"}), ("lat=1", {"lng"}),
     ("lng=1", {"lat"}), ("q=bread&sort=best", {"sort"}), ("category_id=1", {"category_id"}),
     ("open_now=maybe", {"open_now"}), ("q=bread&limit=101", {"limit"}), ("q=bread&offset=10001", {"offset"}),
     ("q=bread&sort=nearby", {"lat", "lng"}), ("q=bread&lat=0&lng=0&radius_km=101", {"radius_km"})],
)  # fmt: skip
def test_a_bad_search_for_businesses_is_named(world: World, query: str, fields: set[str]) -> None:
    assert faults(world.get(f"{BUSINESSES}?{query}")) == fields


def test_relevance_weighs_the_latest_that_match(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina = world.person()
    best = write(world, amina, description="wheat wheat wheat", province="Herat")["id"]
    later = [write(world, amina, description="wheat", province="Kabul")["id"] for _ in range(3)]
    path = "/api/v1/search/posts?q=wheat"
    assert ids(world.get(path).json()["data"]) == [best, *later[::-1]]
    monkeypatch.setattr(store, "WEIGHED", 3)
    assert ids(world.get(path).json()["data"]) == later[::-1]
    # Filters narrow down before the latest are taken.
    assert ids(world.get(f"{path}&province=Herat").json()["data"]) == [best]


def test_relevance_finds_what_is_older_than_the_posts_looked_through_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WEIGHED", 2)
    amina = world.person()
    old = [write(world, amina, description=f"bread number {n}")["id"] for n in range(3)]
    for _ in range(8):
        write(world, amina, description="soup")
    new = write(world, amina, description="bread")["id"]
    found = [post["id"] for post in world.get("/api/v1/posts/search?q=bread").json()["data"]]
    assert sorted(found) == sorted([new, old[2]])


def test_a_word_that_stands_everywhere_is_looked_for_in_the_latest_posts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LATEST", 3)
    monkeypatch.setattr(store, "ENOUGH", 2)
    amina = world.person()
    posts = [write(world, amina, description="bread")["id"] for _ in range(5)]
    path = "/api/v1/search/posts?q=bread"
    found = world.get(f"{path}&offset=0").json()
    assert (ids(found["data"]), found["total"]) == (posts[:1:-1], 3)
    assert world.get(f"{path}&offset=7").json()["total"] == 3
    monkeypatch.setattr(store, "ENOUGH", 4)  # three are too few: now all that match are weighed
    found = world.get(f"{path}&offset=0").json()
    assert (ids(found["data"]), found["total"]) == (posts[::-1], 5)
    assert world.get(f"{path}&offset=7").json()["total"] == 5


@pytest.mark.rule("hamsaya:89", "hamsaya:110")
@pytest.mark.parametrize(
    "latest, enough, weighed", [(4000, 40, 60), (40, 2, 3), (8, 2, 3), (8, 3, 5), (4, 5, 6)]
)
def test_posts_that_others_hide_end_no_search(
    world: World, monkeypatch: pytest.MonkeyPatch, latest: int, enough: int, weighed: int
) -> None:
    monkeypatch.setattr(store, "LATEST", latest)
    monkeypatch.setattr(store, "ENOUGH", enough)
    monkeypatch.setattr(search, "WEIGHED", weighed)
    monkeypatch.setattr(search, "COUNTED", enough)
    amina, viewer = world.person(), world.person()
    kinds = ["PUBLIC", "PRIVATE", "PUBLIC", "PRIVATE", "PRIVATE", "PUBLIC", "PRIVATE", "PRIVATE", "PRIVATE"]
    for n, kind in enumerate(kinds):
        write(world, amina, description=f"wheat soup number {n}", visibility=kind)
        write(world, amina, description="rice")
    write(world, amina, description="barley soup", visibility="PRIVATE")
    for who, words, count in (
        (viewer, "wheat", 3),
        (amina, "wheat", 9),
        (amina, "barley", 1),
        (viewer, "barley", 0),
    ):
        body = found(world, words, who, limit=20)
        # The total is what it is below the ceiling. More than that are shown where more were weighed.
        assert body["totals"]["posts"] == min(count, enough)
        assert min(count, enough) <= len(body["posts"]) <= count
        assert all(words in post["description"] for post in body["posts"])
    assert found(world, "wheat", viewer, limit=1)["totals"]["posts"] == min(3, enough)


def test_no_more_is_counted_than_is_weighed() -> None:
    assert COUNTED <= store.ENOUGH <= WEIGHED <= store.WEIGHED


@pytest.mark.parametrize("name", ["country", "province", "district", "neighborhood"])
def test_names_of_places_are_found_by_an_index(world: World, name: str) -> None:
    wanted = Filter()
    setattr(wanted, name, "Nowhere")
    built = store.Listing(None, wanted, "recent", clock.now())

    async def plan() -> str:
        async with world.app.db.tx() as tx:
            await tx.run("SET LOCAL enable_seqscan = off")
            await tx.run("SET LOCAL enable_sort = off")
            # In a table that is all but empty any index in the right order is as good.
            await tx.run("DROP INDEX posts_recent")
            rows = await tx.records(f"EXPLAIN {built.page_sql(20, 0)}", *built.args)
        return "\n".join(row[0] for row in rows)

    shown = world.go(plan())
    assert f"posts_in_{name}" in shown, shown
