"""What a post said before its author changed it, and who may read that."""

import asyncio
from typing import Any

import httpx

from majlis.features.posts import service as posts
from majlis.kit.me import Me
from tests.features.posts.writing import POSTS, block, friends, write
from tests.features.queries import counted
from tests.world import Person, World


def change(world: World, who: Person, post: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = world.put(f"{POSTS}/{post['id']}", who, fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ask(world: World, who: Person | None, post: dict[str, Any], **query: Any) -> httpx.Response:
    return world.get(f"{POSTS}/{post['id']}/edits", who, params=query)


def edits(world: World, who: Person | None, post: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    answer = ask(world, who, post, **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_each_change_keeps_what_was_before(world: World) -> None:
    amina, bilal = world.person(), world.person()
    post = write(world, amina, description="one", title="bread")
    assert edits(world, bilal, post) == []
    second = change(world, amina, post, description="two")
    third = change(world, amina, post, description="three", title=None)
    for who in (bilal, amina, None):
        latest, first = edits(world, who, post)
        assert latest == {
            "user_id": str(amina.id),
            "edited_at": third["updated_at"],
            "fields": ["description", "title"],
            "before": {"description": "two", "title": "bread"},
        }
        assert first["before"] == {"description": "one"} and first["edited_at"] == second["updated_at"]


def test_the_fields_of_each_type_are_kept_as_posts_have_them(world: World) -> None:
    amina = world.person()
    sale = write(world, amina, "SELL", discount="5.50")
    change(world, amina, sale, price="1200.50", discount=None)
    (edit,) = edits(world, amina, sale)
    assert edit["before"] == {"price": sale["price"], "discount": sale["discount"]}
    change(world, amina, sale, free=True)
    assert edits(world, amina, sale)[0]["before"] == {"currency": "AFN", "free": False, "price": "1200.50"}
    event = write(world, amina, "EVENT", start_time="18:30")
    change(world, amina, event, start_date="2031-03-22", start_time="19:00")
    (edit,) = edits(world, amina, event)
    assert edit["fields"] == ["expired_at", "start_date", "start_time"]
    assert edit["before"] == {name: event[name] for name in edit["fields"]}


def test_what_is_no_change_of_words_leaves_nothing(world: World) -> None:
    amina, bilal = world.person(), world.person()
    sale = write(world, amina, "SELL")
    change(world, amina, sale, title=sale["title"], visibility="FRIENDS")
    change(world, amina, sale, visibility="PUBLIC", status=True)
    assert world.post(f"{POSTS}/{sale['id']}/like", bilal).status_code == 200
    assert world.post(f"{POSTS}/{sale['id']}/comments", bilal, {"text": "how much?"}).status_code == 201
    assert world.put(f"/api/v1/sales/{sale['id']}/sold", amina).status_code == 200
    world.sql("UPDATE posts SET category_id = NULL WHERE id = $1::uuid RETURNING 1", sale["id"])
    assert edits(world, amina, sale) == []


def test_a_refused_change_leaves_nothing(world: World) -> None:
    amina, bilal = world.person(), world.person()
    post = write(world, amina)
    assert world.put(f"{POSTS}/{post['id']}", bilal, {"description": "mine"}).status_code == 403
    assert world.put(f"{POSTS}/{post['id']}", amina, {"description": None}).status_code == 422
    assert edits(world, amina, post) == []


def test_a_number_that_was_taken_away_is_for_the_author_alone(world: World) -> None:
    amina, bilal = world.person(), world.person()
    sale = write(world, amina, "SELL", country_code="+93", contact_no="700123456")
    change(world, amina, sale, country_code=None, contact_no=None)
    (hers,), (his,) = edits(world, amina, sale), edits(world, bilal, sale)
    assert hers["before"] == {"country_code": "+93", "contact_no": "700123456"}
    assert his["before"] == {} and his["fields"] == ["contact_no", "country_code"]


def test_what_was_private_stays_private_when_the_post_is_shown(world: World) -> None:
    amina, friend, stranger = world.person(), world.person(), world.person()
    friends(world, amina, friend)
    post = write(world, amina, description="for me", visibility="PRIVATE")
    change(world, amina, post, description="for friends", visibility="FRIENDS")
    change(world, amina, post, description="off", visibility="PUBLIC", status=False)
    change(world, amina, post, description="for all", status=True)
    change(world, amina, post, description="for all again")

    def seen(who: Person | None) -> list[str]:
        return [edit["before"]["description"] for edit in edits(world, who, post)]

    assert seen(amina) == ["for all", "off", "for friends", "for me"]
    assert seen(friend) == ["for all", "for friends"]
    assert seen(stranger) == seen(None) == ["for all"]
    assert ask(world, stranger, post, offset=0).json()["total"] == 1


def test_whoever_may_not_see_the_post_finds_no_history(world: World) -> None:
    amina, bilal, other = world.person(), world.person(), world.person()
    post = write(world, amina)
    change(world, amina, post, description="changed")
    block(world, amina, bilal)
    assert ask(world, bilal, post).status_code == 404
    assert ask(world, other, post).status_code == 200
    change(world, amina, post, visibility="PRIVATE")
    assert ask(world, other, post).status_code == ask(world, None, post).status_code == 404
    assert len(edits(world, amina, post)) == 1
    assert world.delete(f"{POSTS}/{post['id']}", amina).status_code == 204
    assert ask(world, amina, post).status_code == 404
    assert world.get(f"{POSTS}/{other.id}/edits", amina).status_code == 404


def test_what_moderators_hide_takes_its_history_along(world: World) -> None:
    amina, bilal = world.person(), world.person()
    post = write(world, amina)
    change(world, amina, post, description="changed")

    async def hide() -> None:
        async with world.app.db.tx() as tx:
            await posts.hide(tx, Me.system, post["id"], "rude")

    world.go(hide())
    assert ask(world, bilal, post).status_code == 404
    assert len(edits(world, amina, post)) == 1


def test_pages(world: World) -> None:
    amina = world.person()
    post = write(world, amina, description="0")
    for number in range(1, 6):
        change(world, amina, post, description=str(number))
    seen, cursor, sizes = [], None, []
    while True:
        query = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        answer = ask(world, None, post, **query).json()
        seen += [edit["before"]["description"] for edit in answer["data"]]
        sizes.append(len(answer["data"]))
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert (seen, sizes) == (["4", "3", "2", "1", "0"], [2, 2, 1])
    older = ask(world, None, post, limit=2, offset=3).json()
    assert [edit["before"]["description"] for edit in older["data"]] == ["1", "0"] and older["total"] == 5
    assert ask(world, None, post, cursor="bad").status_code == 400
    assert ask(world, None, post, limit=0).status_code == 422


def test_the_number_of_queries_does_not_grow(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    change(world, amina, post, description="one")
    edits(world, None, post)
    with counted(world) as few:
        assert len(edits(world, None, post)) == 1
    for number in range(8):
        change(world, amina, post, description=f"number {number}")
    with counted(world) as many:
        assert len(edits(world, None, post)) == 9
    assert len(many) == len(few)


def test_changes_at_once_are_all_kept(clone: World) -> None:
    amina, together = clone.person(), 8
    post = write(clone, amina, description="start")

    async def run() -> None:
        answers = await asyncio.gather(
            *(
                clone.http.put(f"{POSTS}/{post['id']}", headers=amina.auth, json={"description": f"v{n}"})
                for n in range(together)
            )
        )
        assert {answer.status_code for answer in answers} == {200}

    clone.go(run())
    before = [edit["before"]["description"] for edit in edits(clone, amina, post)]
    now = clone.get(f"{POSTS}/{post['id']}", amina).json()["description"]
    assert before[-1] == "start"
    assert sorted([*before, now]) == sorted(["start", *(f"v{n}" for n in range(together))])
