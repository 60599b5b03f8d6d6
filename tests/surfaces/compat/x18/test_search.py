"""Searching at the x18 door."""

from typing import Any

import pytest

from tests.features.posts.writing import write
from tests.features.queries import counted
from tests.surfaces.compat.x18.people import ask, refused
from tests.surfaces.compat.x18.posting import block, listed, post, writer
from tests.world import World

SEARCH = "/api/search"


def users(world: World, query: str, who: Any = None) -> list[str]:
    answer = ask(world, "GET", f"{SEARCH}/users?{query}", who)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["users"]]


@pytest.mark.rule("x18:R24")
def test_people_are_found_by_username_display_name_and_bio(world: World) -> None:
    exact = writer(world, "Zed", "trader")
    longer = writer(world, "Zara", "trader_two")
    named = writer(world, "Trader", "somebody")
    told = writer(world, "Yusuf", "yusuf_k")
    other = writer(world, "Nobody", "unrelated")
    world.sql(
        "UPDATE profiles SET about = 'A careful trader of carpets' WHERE id = $1 RETURNING 1", told.person.id
    )
    assert users(world, "q=TRADER") == [exact.id, longer.id, named.id, told.id]
    assert users(world, "q=%40trader&limit=1") == [exact.id]
    assert users(world, "q=trad&limit=2&offset=2") == [named.id, told.id]
    assert users(world, "q=carpets") == [told.id]
    assert other.id not in users(world, "q=e")
    body = ask(world, "GET", f"{SEARCH}/users?q=trader&limit=2").json()
    assert (body["limit"], body["offset"], body["has_more"]) == (2, 0, True)
    assert body["users"][0]["username"] == "trader"


def test_people_are_not_found_by_what_they_hide(world: World) -> None:
    amina, bilal, viewer = (
        writer(world, "Amina", "hidden_a"),
        writer(world, "Bilal", "hidden_b"),
        writer(world),
    )
    world.sql("UPDATE profiles SET about = 'beekeeper' WHERE id = $1 RETURNING 1", amina.person.id)

    def hide(**settings: str) -> None:
        answer = world.put("/api/v1/settings/privacy", amina.person, settings)
        assert answer.status_code == 200, answer.text

    assert users(world, "q=amina", viewer) == users(world, "q=beekeeper", viewer) == [amina.id]
    hide(full_name_visibility="Only me", profile_bio_visibility="Only me")
    assert users(world, "q=amina", viewer) == users(world, "q=beekeeper", viewer) == []
    assert users(world, "q=hidden_a", viewer) == [amina.id]
    hide(discoverability_visibility="Only me")
    assert users(world, "q=hidden_a", viewer) == []
    assert users(world, "q=hidden_b", viewer) == [bilal.id]
    block(world, bilal, viewer)
    assert users(world, "q=hidden_b", viewer) == []
    world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING 1", bilal.person.id)
    assert users(world, "q=hidden_b") == []


@pytest.mark.rule("x18:D14")
@pytest.mark.parametrize("path", ["", "/users", "/posts"])
def test_a_query_has_bounds(world: World, path: str) -> None:
    for query in ("", "?q=", "?q=%20%20"):
        refused(ask(world, "GET", SEARCH + path + query), 400, "query_required", "q")
    refused(ask(world, "GET", f"{SEARCH}{path}?q={'x' * 101}"), 400, "validation_failed", "q")
    assert ask(world, "GET", f"{SEARCH}{path}?q={'x' * 100}").status_code == 200


@pytest.mark.rule("x18:D14")
@pytest.mark.parametrize("q", ["%25", "_", "%5C", "'", "a%25b", "%26%7C!", ":*", "%23", "()"])
def test_wildcards_and_operators_are_nothing_but_text(world: World, q: str) -> None:
    amina = writer(world, "Amina", "amina")
    post(world, amina, "Plain words #tag")
    for kind in ("users", "posts", "hashtags"):
        body = ask(world, "GET", f"{SEARCH}?q={q}&type={kind}").json()
        assert body[kind] == []


@pytest.mark.rule("x18:R24", "x18:D14")
def test_everything_is_searched_at_once_or_one_kind_alone(world: World) -> None:
    amina = writer(world, "Saffron", "amina")
    made = post(world, amina, "Saffron from Herat #saffron_trade")["id"]
    both = ask(world, "GET", f"{SEARCH}?q=saffron").json()
    assert set(both) == {"users", "posts", "hashtags", "limit", "offset"}
    assert [one["id"] for one in both["users"]] == [amina.id]
    assert [one["id"] for one in both["posts"]] == [made]
    assert both["hashtags"] == [{"tag": "saffron_trade", "posts_count": 1}]
    assert ask(world, "GET", f"{SEARCH}?q=saffron&type=all").json() == both
    for kind in ("users", "posts", "hashtags"):
        body = ask(world, "GET", f"{SEARCH}?q=saffron&type={kind}").json()
        assert {name for name in ("users", "posts", "hashtags") if body[name]} == {kind}
    assert ask(world, "GET", f"{SEARCH}?q=%23Saffron&type=hashtags").json()["hashtags"] == both["hashtags"]
    refused(ask(world, "GET", f"{SEARCH}?q=a&type=media"), 400, "validation_failed", "type")


@pytest.mark.rule("x18:R24")
def test_posts_are_found_by_their_content_as_far_as_they_are_seen(world: World) -> None:
    amina, viewer = writer(world), writer(world)
    made = post(world, amina, "قالین های هرات", metadata={"category": "unseen"})["id"]
    write(world, amina.person, visibility="PRIVATE", description="قالین پنهان")
    write(world, amina.person, "SELL", title="قالین")
    path = f"{SEARCH}/posts?q=قالین"
    assert listed(world, path) == listed(world, path, viewer) == [made]
    assert listed(world, f"{SEARCH}/posts?q=unseen") == []
    block(world, viewer, amina)
    assert listed(world, path, viewer) == []


@pytest.mark.rule("x18:R25", "x18:D8")
@pytest.mark.parametrize(
    "written, asked",
    [("#Bitcoin", "BITCOIN"), ("#کابل", "کابل"), ("#هرات_باستان", "هرات_باستان"), ("#Москва", "МОСКВА"),
     ("#አዲስአበባ", "አዲስአበባ"), ("#e\u0301te\u0301", "Été"), ("#پښتو", "پښتو"), ("#می\u200cخواهم", "میخواهم")],
)  # fmt: skip
def test_posts_are_found_by_a_hashtag_of_any_script(world: World, written: str, asked: str) -> None:
    amina, viewer = writer(world), writer(world)
    made = [post(world, amina, f"{written} {n}")["id"] for n in range(3)]
    post(world, amina, "without")
    path = f"{SEARCH}/hashtag/{asked}"
    body = ask(world, "GET", path).json()
    assert [one["id"] for one in body["posts"]] == made[::-1]
    assert body["tag"] == body["posts"][0]["hashtags"][0] == body["tag"].lower()
    assert (body["limit"], body["offset"], body["has_more"]) == (20, 0, False)
    assert listed(world, path + "?limit=1&offset=1") == [made[1]]
    block(world, amina, viewer)
    assert listed(world, path, viewer) == []


@pytest.mark.parametrize("tag", ["123", "_", "a-b", "a%20b", "x" * 101, "%23"])
def test_what_is_no_tag_is_refused(world: World, tag: str) -> None:
    refused(ask(world, "GET", f"{SEARCH}/hashtag/{tag}"), 400, "invalid_tag", "tag")


@pytest.mark.rule("x18:R25")
def test_trending_hashtags_are_counted_and_take_a_limit(world: World) -> None:
    amina = writer(world)
    for n in range(12):
        for m in range(n + 1):
            post(world, amina, f"#tag{n:02} {m}")
    body = ask(world, "GET", f"{SEARCH}/trending-hashtags").json()
    assert body["window_days"] == 7 and len(body["hashtags"]) == 10
    assert body["hashtags"][0] == {"tag": "tag11", "posts_count": 12}
    assert [one["posts_count"] for one in body["hashtags"]] == [*range(12, 2, -1)]
    few = ask(world, "GET", f"{SEARCH}/trending-hashtags?limit=2").json()["hashtags"]
    assert few == body["hashtags"][:2]
    for limit in ("0", "101", "x"):
        answer = ask(world, "GET", f"{SEARCH}/trending-hashtags?limit={limit}")
        refused(answer, 400, "validation_failed", "limit")


def test_searching_people_takes_as_many_queries_whatever_is_found(world: World) -> None:
    def more(count: int) -> int:
        for _ in range(count):
            writer(world, "Gulalai")
        with counted(world) as seen:
            assert users(world, "q=gulalai")
        return len(seen)

    more(1)  # the first time statements are prepared
    assert more(1) == more(4)
