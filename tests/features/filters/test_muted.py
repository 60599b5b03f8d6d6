"""Words that somebody does not want to read are left out of their feeds, and of nobody else's."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from majlis.features.filters import service, store
from majlis.features.filters.model import MOST_MUTED
from majlis.kit.clock import now
from tests.features.discovery.mapping import DISCOVER, KABUL, WORLD, drawn, ids, mapped
from tests.features.events.inviting import EVENTS, invite
from tests.features.posts.writing import POSTS, write
from tests.features.queries import counted
from tests.waiting import until_waiting
from tests.world import Person, World

WORDS = "/api/v1/users/me/muted-words"


def mute(world: World, who: Person, word: str) -> str:
    answer = world.post(WORDS, who, {"word": word})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def feed(world: World, who: Person | None, query: str = "") -> list[str]:
    """The descriptions that somebody's feed shows, newest first."""
    answer = world.get(f"{POSTS}?{query}", who)
    assert answer.status_code == 200, answer.text
    return [post["description"] for post in answer.json()["data"]]


def test_posts_with_a_muted_word_are_left_out_of_the_feed(world: World) -> None:
    amina, karim = world.person(), world.person()
    for text in ("football tonight", "Football!", "footballers", "bread", "the كلاه", "my foot, ball"):
        write(world, karim, description=text)
    kept = mute(world, amina, " FOOTBALL ")
    mute(world, amina, "کلاه")
    mute(world, amina, "foot ball")
    assert feed(world, amina) == ["bread", "footballers"]
    assert feed(world, amina, "sort=trending") == ["bread", "footballers"]
    assert len(feed(world, karim)) == len(feed(world, None)) == 6
    assert world.delete(f"{WORDS}/{kept}", amina).status_code == 204
    assert feed(world, amina) == ["bread", "footballers", "Football!", "football tonight"]


def test_what_is_asked_for_and_ones_own_is_there(world: World) -> None:
    amina, karim = world.person(), world.person()
    theirs = write(world, karim, description="football")
    write(world, amina, description="my football")
    mute(world, amina, "football")
    assert feed(world, amina) == ["my football"]
    assert len(feed(world, amina, "q=football")) == 2
    assert feed(world, amina, f"user_id={karim.id}") == ["football"]
    assert world.get(f"{POSTS}/{theirs['id']}", amina).status_code == 200
    assert len(world.get(f"/api/v1/users/{karim.id}/posts", amina).json()["data"]) == 1


def test_a_page_full_of_muted_posts_does_not_end_the_feed(world: World) -> None:
    amina, karim = world.person(), world.person()
    write(world, karim, description="bread")
    for _ in range(25):
        write(world, karim, description="football")
    mute(world, amina, "football")
    assert feed(world, amina) == ["bread"]


def listed(world: World, path: str, who: Person | None, key: str = "data") -> list[str]:
    """The ids that somebody's list holds."""
    answer = world.get(path, who)
    assert answer.status_code == 200, answer.text
    return ids(answer.json()[key])


def test_goods_and_events_with_a_muted_word_are_left_out(world: World) -> None:
    amina, karim = world.person(), world.person()
    sale, party = write(world, karim, "SELL", title="Old football"), invite(world, karim, title="Football")
    own = write(world, amina, "SELL", title="My football")
    mute(world, amina, "football")
    assert listed(world, "/api/v1/sales", amina) == [own["id"]]
    assert listed(world, EVENTS, amina) == []
    assert listed(world, "/api/v1/sales", karim) == listed(world, "/api/v1/sales", None)
    assert listed(world, "/api/v1/sales?q=football", amina) == [own["id"], sale["id"]]
    assert listed(world, f"{EVENTS}?user_id={karim.id}", amina) == [party["id"]]
    world.post(f"{EVENTS}/{party['id']}/interest", amina, {"event_state": "going"})
    assert listed(world, f"{EVENTS}?my_event_state=going", amina) == [party["id"]], "their own calendar"


def test_no_map_shows_a_post_with_a_muted_word(world: World) -> None:
    amina, karim = world.person(), world.person()
    theirs = mapped(world, karim, *KABUL, description="football tonight")
    own = mapped(world, amina, -30.0, 20.0, description="my football")
    mute(world, amina, "football")
    around = f"{DISCOVER}?lat={KABUL[0]}&lng={KABUL[1]}"
    assert (listed(world, around, amina, "posts"), listed(world, around, karim, "posts")) == (
        [],
        [theirs["id"]],
    )
    for zoom in ("", "&zoom=8"):
        assert ids(drawn(world, f"{WORLD}{zoom}", amina)["data"]) == [own["id"]], zoom
        assert len(drawn(world, f"{WORLD}{zoom}", karim)["data"]) == 2, zoom


def test_the_words_are_asked_for_once_and_only_of_who_reads(world: World) -> None:
    amina, karim = world.person(), world.person()
    write(world, karim)
    with counted(world) as seen:
        feed(world, None)
        feed(world, amina)
        feed(world, amina)
    assert len([sql for sql in seen if "muted_words" in sql]) == 1
    assert not [sql for sql in seen if "NOT p.search @@" in sql], "nobody has muted anything"
    mute(world, amina, "bread")
    with counted(world) as seen:
        assert feed(world, amina) == []
    assert len([sql for sql in seen if "muted_words" in sql]) == 1


def test_other_processes_hear_of_a_muted_word(world: World) -> None:
    """What one process remembers is forgotten by the hint that another one sends."""
    amina = world.person()
    assert world.go(service.muted(world.app, amina.me)) is None
    world.sql(
        "INSERT INTO muted_words (id, user_id, word, folded, created_at)"
        " VALUES (gen_random_uuid(), $1, 'football', 'football', $2) RETURNING 1",
        amina.id,
        now(),
    )
    assert world.go(service.muted(world.app, amina.me)) is None, "remembered"
    world.go(world.app.bus.publish("muted-words", str(amina.id).encode()))
    assert world.go(service.muted(world.app, amina.me)) == "'football'"


def test_words_are_listed_for_their_owner(world: World) -> None:
    amina, karim = world.person(), world.person()
    ids = [mute(world, amina, "one"), mute(world, amina, "two words")]
    mute(world, karim, "three")
    body = world.get(WORDS, amina).json()
    assert [one["id"] for one in body["data"]] == ids[::-1]
    assert [one["word"] for one in body["data"]] == ["two words", "one"]
    assert world.get(WORDS).status_code == 401
    assert world.delete(f"{WORDS}/{ids[0]}", karim).status_code == 404


def test_the_same_word_is_muted_once(world: World) -> None:
    amina = world.person()
    first = mute(world, amina, "کلاه")
    again = world.post(WORDS, amina, {"word": "كلاه"})
    assert (again.status_code, again.json()["id"], again.json()["word"]) == (200, first, "کلاه")


@pytest.mark.parametrize("word", ["", " ", "?!", "x" * 101, "a\u0000b", 7])
def test_a_bad_word_is_named(world: World, word: Any) -> None:
    answer = world.post(WORDS, world.person(), {"word": word})
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == ["word"]


@pytest.mark.parametrize("word", ["a & b", "it's", "a | ! (b)", "\\", "a:*", "'"])
def test_no_word_is_taken_for_an_operator(world: World, word: str) -> None:
    amina = world.person()
    write(world, world.person(), description="bread")
    if any(char.isalnum() for char in word):
        mute(world, amina, word)
    assert feed(world, amina) == ["bread"]


def _fill(clone: World, amina: Person) -> Counter[int]:
    """The answers to two words at once where there is room for one."""
    clone.sql(
        "INSERT INTO muted_words (id, user_id, word, folded, created_at)"
        " SELECT gen_random_uuid(), $1, 'w' || n, 'w' || n, now() FROM generate_series(1, $2) AS n RETURNING 1",
        amina.id,
        MOST_MUTED - 1,
    )

    async def send(word: str) -> int:
        return (await clone.http.post(WORDS, headers=amina.auth, json={"word": word})).status_code

    async def run() -> list[int]:
        async with clone.app.db.tx() as holder:
            await holder.run("LOCK TABLE muted_words IN SHARE ROW EXCLUSIVE MODE")  # counting goes on
            sending = [asyncio.create_task(send(f"new{n}")) for n in range(8)]
            await until_waiting(clone, 2, *sending)
        return await asyncio.gather(*sending)

    return Counter(clone.go(run()))


def test_nobody_mutes_more_than_a_hundred_words_not_even_at_once(clone: World) -> None:
    assert _fill(clone, clone.person()) == {201: 1, 409: 7}


def test_control_without_the_lock_more_get_in(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "HOLD_USER", "SELECT 1 WHERE $1::uuid IS NOT NULL")
    assert _fill(clone, clone.person())[201] > 1
