"""What authors change while a paid post of theirs is free."""

from typing import Any

from tests.features.filters.test_rules import rule
from tests.features.paywall.selling import OPEN, TEXT, author, shown, upload
from tests.surfaces.compat.x18.people import ask
from tests.surfaces.compat.x18.posting import Writer, post, writer
from tests.world import World

FIRST, SECOND, THIRD = "mulberry first", "apricot second", "quince third"


def freed(world: World, who: Writer) -> tuple[str, str]:
    """The native addresses of a post that had a price and has none now, and of what was behind its paywall."""
    made = f"/api/v1/posts/{post(world, who, FIRST)['id']}"
    assert world.post(f"{made}/paid", who.person, {"price": 499}).status_code == 200
    assert world.delete(f"{made}/paid", who.person).status_code == 200
    return made, f"{made}/paid"


def said(world: World, who: Writer | None, made: str) -> set[Any]:
    """What the post says to somebody, wherever they read it."""
    person = who.person if who else None
    return {
        world.get(made, person).json()["description"],
        world.get(f"{made}/paid", person).json()["text"],
        shown(world, who, made.rpartition("/")[2])["content"],
    }


def found(world: World, who: Writer, text: str) -> bool:
    return world.get(f"/api/v1/posts/search?q={text.split()[0]}", who.person).json()["data"] != []


def test_what_is_edited_while_a_post_is_free_is_read_at_every_door(world: World) -> None:
    amina, karim = author(world), writer(world)
    made, _ = freed(world, amina)
    assert world.put(made, amina.person, {"description": SECOND}).status_code == 200
    for who in (amina, karim, None):
        assert said(world, who, made) == {SECOND}
    listed = ask(world, "GET", "/api/timeline/explore", karim).json()["posts"]
    assert [one["content"] for one in listed] == [SECOND]


def test_what_is_edited_while_a_post_is_free_goes_behind_its_paywall(world: World) -> None:
    amina, karim = author(world), writer(world)
    made, paid = freed(world, amina)
    assert world.put(made, amina.person, {"description": SECOND}).status_code == 200
    again = world.post(paid, amina.person, {"price": 499})
    assert (again.status_code, again.json()["paid"]["text"]) == (200, SECOND), again.text
    assert shown(world, amina, made.rpartition("/")[2])["content"] == SECOND
    assert not any(SECOND in str(one) for one in said(world, karim, made))
    # And once more, to and fro.
    assert world.put(paid, amina.person, {"text": THIRD}).status_code == 200
    assert world.delete(paid, amina.person).status_code == 200
    assert said(world, karim, made) == {THIRD}


def test_the_text_of_a_free_post_is_one_whichever_door_changes_it(world: World) -> None:
    amina, karim = author(world), writer(world)
    made, paid = freed(world, amina)
    changed = world.put(paid, amina.person, {"text": THIRD})
    assert (changed.status_code, changed.json()["text"]) == (200, THIRD), changed.text
    assert said(world, karim, made) == {THIRD}
    assert found(world, karim, THIRD) and not found(world, karim, FIRST)
    assert FIRST in world.get(f"{made}/edits", karim.person).text
    kept = world.put(paid, amina.person, {"currency": "EUR"})
    assert (kept.status_code, kept.json()["text"]) == (200, THIRD), "absent fields stay"
    assert said(world, karim, made) == {THIRD}


def test_a_free_post_takes_no_teaser_in_place_of_its_text(world: World) -> None:
    amina = author(world)
    made, paid = freed(world, amina)
    answer = world.put(paid, amina.person, {"teaser": "Guess!"})
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["error"]["details"]] == ["teaser"]
    assert said(world, None, made) == {FIRST}


def test_words_in_the_text_of_a_free_post_are_looked_at_as_in_any_edit(world: World) -> None:
    moderator, amina, karim = world.person(role="moderator"), author(world), writer(world)
    rule(world, moderator, "scam")
    rule(world, moderator, "lottery", "hold")
    made, paid = freed(world, amina)
    assert world.put(paid, amina.person, {"text": "a scam"}).status_code == 422
    assert said(world, karim, made) == {FIRST}
    assert world.put(paid, amina.person, {"text": "a lottery"}).status_code == 200
    assert world.get(made, karim.person).status_code == 404, "it waits for a moderator"
    waiting = world.get(made, amina.person).json()
    assert waiting["description"] == "a lottery" and "lottery" in waiting["moderation"]["reason"]


def test_a_teaser_that_waits_for_a_moderator_is_answered_like_any_post(world: World) -> None:
    moderator, amina, karim = world.person(role="moderator"), author(world), writer(world)
    rule(world, moderator, "lottery", "hold")
    body = {"text": TEXT, "price": 499, "teaser": "a lottery"}
    made = world.post("/api/v1/paid-posts", amina.person, body)
    assert (made.status_code, made.json()["paid"]["text"]) == (201, TEXT), made.text
    assert "lottery" in made.json()["post"]["moderation"]["reason"]
    assert world.get(f"/api/v1/posts/{made.json()['post']['id']}/paid", karim.person).status_code == 404
    body = {"content": TEXT, "price": "4.99", "teaser": "a lottery", "media_ids": [upload(world, amina)]}
    answer = ask(world, "POST", "/api/posts", amina, json=body)
    assert answer.status_code == 201 and answer.json()["content"].startswith(OPEN), answer.text
