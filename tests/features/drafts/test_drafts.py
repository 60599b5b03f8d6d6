"""Drafts: kept for their owner alone, complete or not, and published by hand."""

import asyncio
from collections import Counter

import pytest

from majlis.features.drafts.model import MOST
from tests.features.drafts.drafting import DRAFTS, ahead, keep, read
from tests.features.posts.writing import POSTS, body_of, faults
from tests.features.queries import counted
from tests.world import PASSWORD, World


def test_a_draft_keeps_what_there_is(world: World) -> None:
    amina = world.person()
    empty = keep(world, amina)
    assert empty == {
        "id": empty["id"], "publish_at": None, "failure": None,
        "created_at": empty["created_at"], "updated_at": empty["created_at"],
    }  # fmt: skip
    place = {"lat": 34.5, "lng": 69.2}
    draft = keep(world, amina, type="SELL", title="Carpet", price="1500.00", address_location=place)
    assert (draft["type"], draft["price"], draft["address_location"]) == ("SELL", "1500.00", place)
    assert "description" not in draft
    assert read(world, amina, draft) == draft


def test_changes_leave_out_clear_and_set(world: World) -> None:
    amina = world.person()
    draft = keep(world, amina, type="FEED", title="one", description="two")
    answer = world.put(
        f"{DRAFTS}/{draft['id']}", amina, {"title": None, "description": "three", "type": "EVENT"}
    )
    assert answer.status_code == 200
    changed = answer.json()
    assert "title" not in changed
    assert (changed["description"], changed["type"]) == ("three", "EVENT")
    assert changed["created_at"] == draft["created_at"]
    assert read(world, amina, draft) == changed


@pytest.mark.parametrize("kind", ["FEED", "EVENT", "SELL", "PULL"])
def test_every_type_is_published_as_if_it_were_written_now(world: World, kind: str) -> None:
    amina = world.person()
    body = body_of(world, kind, address_location={"lat": 34.5, "lng": 69.2}, is_location=True)
    draft = keep(world, amina, **body)
    published = world.post(f"{DRAFTS}/{draft['id']}/publish", amina)
    assert published.status_code == 201, published.text
    written = world.post(POSTS, amina, body).json()
    own = {"id", "created_at", "updated_at", "poll"}
    got = published.json()
    assert {name: got[name] for name in got if name not in own} == {
        name: written[name] for name in written if name not in own
    }
    if kind == "PULL":
        assert [option["option"] for option in got["poll"]["options"]] == ["Friday", "Saturday"]
    assert read(world, amina, draft) is None
    assert world.get(f"{POSTS}/{got['id']}").status_code == 200


def test_an_incomplete_draft_is_not_published_and_stays(world: World) -> None:
    amina = world.person()
    for fields, wrong in (
        ({}, {"type"}),
        ({"type": "FEED"}, {"description"}),
        ({"type": "EVENT"}, {"title", "start_date"}),
        ({"type": "FEED", "description": "a", "price": "5"}, {"price"}),
        ({"type": "PULL"}, {"poll_options"}),
    ):
        draft = keep(world, amina, **fields)
        assert faults(world.post(f"{DRAFTS}/{draft['id']}/publish", amina)) == wrong
        assert read(world, amina, draft) == draft
    assert world.get("/api/v1/users/me/posts", amina).json()["data"] == []


@pytest.mark.parametrize(
    "body, wrong",
    [
        ({"type": "SONG"}, {"type"}),
        ({"title": "a" * 256, "visibility": "ALL"}, {"title", "visibility"}),
        ({"user_id": "x", "sold": True}, {"user_id", "sold"}),
        ({"failure": None}, {"failure"}),
        ({"publish_at": "2031-03-21T08:00:00"}, {"publish_at"}),
        ({"publish_at": "tomorrow"}, {"publish_at"}),
        ({"description": "a\u0000b"}, {"description"}),
        ({"address_location": {"lat": 91, "lng": 0}}, {"address_location"}),
        ({"poll_options": ["a"] * 11}, {"poll_options"}),
    ],
)
def test_wrong_fields_are_named(world: World, body: dict[str, object], wrong: set[str]) -> None:
    amina = world.person()
    assert faults(world.post(DRAFTS, amina, body)) == wrong
    draft = keep(world, amina)
    assert faults(world.put(f"{DRAFTS}/{draft['id']}", amina, body)) == wrong


def test_nobody_else_finds_a_draft(world: World) -> None:
    amina, bilal, moderator = world.person(), world.person(), world.person(role="moderator")
    draft = keep(world, amina, type="FEED", description="not yet")
    path = f"{DRAFTS}/{draft['id']}"
    for who in (bilal, moderator):
        assert world.get(path, who).status_code == 404
        assert world.put(path, who, {"title": "mine"}).status_code == 404
        assert world.post(path + "/publish", who).status_code == 404
        assert world.delete(path, who).status_code == 404
        assert world.get(DRAFTS, who).json()["data"] == []
    assert world.get(path).status_code == 401
    assert world.get(f"{POSTS}/{draft['id']}", amina).status_code == 404
    assert read(world, amina, draft) == draft


def test_a_business_of_somebody_else_is_refused_when_it_counts(world: World) -> None:
    amina, bilal = world.person(), world.person()
    shop = world.post("/api/v1/businesses", bilal, {"name": "bakery"}).json()["id"]
    draft = keep(world, amina, type="FEED", description="bread", business_id=shop)
    assert world.post(f"{DRAFTS}/{draft['id']}/publish", amina).status_code == 403
    assert world.put(f"{DRAFTS}/{draft['id']}", amina, {"publish_at": ahead(hours=1)}).status_code == 403
    assert world.get("/api/v1/users/me/posts", amina).json()["data"] == []


def test_pages_and_filter(world: World) -> None:
    amina = world.person()
    made = [keep(world, amina, type="FEED", description=str(n))["id"] for n in range(5)]
    made.append(keep(world, amina, type="FEED", description="timed", publish_at=ahead(days=1))["id"])
    seen, query = [], {"limit": "4"}
    while True:
        answer = world.get(DRAFTS, amina, params=query).json()
        seen += [draft["id"] for draft in answer["data"]]
        if answer["next_cursor"] is None:
            break
        query["cursor"] = answer["next_cursor"]
    assert seen == made[::-1]

    def listed(**query: object) -> list[str]:
        return [draft["id"] for draft in world.get(DRAFTS, amina, params=query).json()["data"]]

    assert listed(scheduled="true") == made[5:]
    assert listed(scheduled="false") == made[4::-1]
    older = world.get(DRAFTS, amina, params={"limit": 2, "offset": 4, "scheduled": "false"}).json()
    assert [draft["id"] for draft in older["data"]] == made[:1] and older["total"] == 5
    assert world.get(DRAFTS, amina, params={"cursor": "bad"}).status_code == 400


def test_the_number_of_queries_does_not_grow(world: World) -> None:
    amina = world.person()
    keep(world, amina)
    world.get(DRAFTS, amina)
    with counted(world) as few:
        assert len(world.get(DRAFTS, amina).json()["data"]) == 1
    for _ in range(8):
        keep(world, amina, type="FEED", description="a")
    with counted(world) as many:
        assert len(world.get(DRAFTS, amina).json()["data"]) == 9
    assert len(many) == len(few)


def fill(world: World, user_id: object, count: int) -> None:
    world.sql(
        """INSERT INTO drafts (id, user_id, body) SELECT gen_random_uuid(), $1, '{}'
        FROM generate_series(1, $2) RETURNING 1""",
        user_id,
        count,
    )


def test_there_is_an_end_to_drafts_even_at_once(clone: World) -> None:
    amina, bilal = clone.person(), clone.person()
    fill(clone, amina.id, MOST - 3)

    async def run() -> Counter[int]:
        posted = (clone.http.post(DRAFTS, headers=amina.auth, json={}) for _ in range(12))
        return Counter(answer.status_code for answer in await asyncio.gather(*posted))

    assert clone.go(run()) == {201: 3, 409: 9}
    refused = clone.post(DRAFTS, amina, {}).json()["error"]
    assert refused["code"] == "too_many_drafts"
    assert clone.post(DRAFTS, bilal, {}).status_code == 201


@pytest.mark.rule("hamsaya:63")
@pytest.mark.settings(rate_limits="on")
def test_publishing_by_hand_counts_as_writing_a_post(world: World) -> None:
    amina = world.person()
    drafts = [keep(world, amina, type="FEED", description=str(n)) for n in range(11)]
    statuses = [world.post(f"{DRAFTS}/{draft['id']}/publish", amina).status_code for draft in drafts]
    assert statuses == [201] * 10 + [429]
    assert world.post(POSTS, amina, body_of(world, "FEED")).status_code == 429
    assert read(world, amina, drafts[-1]) is not None


def test_a_deleted_account_leaves_no_drafts(world: World) -> None:
    amina, bilal = world.person(), world.person()
    keep(world, amina, type="FEED", description="a")
    other = keep(world, bilal, type="FEED", description="b")
    gone = world.request(
        "DELETE", "/api/v1/users/me/account", amina, json={"reason": "other", "password": PASSWORD}
    )
    assert gone.status_code in (200, 204), gone.text
    world.drain()
    assert [str(row["id"]) for row in world.sql("SELECT id FROM drafts")] == [other["id"]]
