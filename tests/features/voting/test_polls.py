"""Polls: one per post, one vote per person."""

import asyncio
from pathlib import Path

import pytest

from majlis.features import polls
from tests.features.posts.writing import POSTS, block, faults, write
from tests.waiting import HALT, behind
from tests.world import Person, World

POLLS = "/api/v1/polls"
UNORDERED = Path(polls.__file__).parent / "migrations" / "20261122T0620_votes_in_order.rollback.sql"


def options(post: dict[str, object]) -> tuple[str, list[str]]:
    """(poll id, option ids)."""
    poll = post["poll"]
    assert isinstance(poll, dict)
    return poll["id"], [option["id"] for option in poll["options"]]


def vote(world: World, poll: str, option: str, who: Person) -> dict[str, object]:
    answer = world.post(f"{POLLS}/{poll}/vote", who, {"poll_option_id": option})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def counts(poll: dict[str, object]) -> list[int]:
    shown = poll["options"]
    assert isinstance(shown, list)
    return [option["vote_count"] for option in shown]


@pytest.mark.rule("hamsaya:123", "hamsaya:130", "hamsaya:162")
def test_a_vote_is_one_can_move_and_be_withdrawn(world: World) -> None:
    amina, bilal = world.person(), world.person()
    poll, (first, second) = options(write(world, amina, "PULL"))
    seen = vote(world, poll, first, bilal)
    assert (counts(seen), seen["total_votes"], seen["my_vote"]) == ([1, 0], 1, first)
    assert counts(vote(world, poll, first, bilal)) == [1, 0]
    seen = vote(world, poll, second, bilal)
    assert (counts(seen), seen["my_vote"]) == ([0, 1], second)
    assert counts(vote(world, poll, second, amina)) == [0, 2]
    results = world.get(f"{POLLS}/{poll}/results", bilal).json()
    assert [option["percent"] for option in results["options"]] == [0.0, 100.0]
    assert (results["poll_id"], results["total_votes"], results["my_vote"]) == (poll, 2, second)
    for _ in range(2):
        seen = world.delete(f"{POLLS}/{poll}/vote", bilal).json()
        assert (counts(seen), seen["my_vote"]) == ([0, 1], None)


@pytest.mark.rule("hamsaya:122", "hamsaya:124")
def test_a_draft_gets_its_poll_once(world: World) -> None:
    amina, bilal = world.person(), world.person()
    post = write(world, amina, "PULL", poll_options=None, status=False)
    path = f"{POSTS}/{post['id']}"
    assert post["poll"] is None
    assert faults(world.put(path, amina, {"status": True})) == {"status"}
    assert world.get(f"{path}/polls", amina).status_code == 404
    assert world.post(f"{path}/polls", bilal, {"options": ["a", "b"]}).status_code == 404
    assert faults(world.post(f"{path}/polls", amina, {"options": ["a"]})) == {"options"}
    made = world.post(f"{path}/polls", amina, {"options": ["a", "b"]})
    assert (made.status_code, len(made.json()["options"])) == (201, 2)
    assert world.post(f"{path}/polls", amina, {"options": ["a", "b"]}).status_code == 409
    assert world.put(path, amina, {"status": True}).json()["poll"]["id"] == made.json()["id"]
    assert world.post(f"{path}/polls", bilal, {"options": ["a", "b"]}).status_code == 403
    feed = write(world, amina)
    assert world.post(f"{POSTS}/{feed['id']}/polls", amina, {"options": ["a", "b"]}).status_code == 422


@pytest.mark.rule("hamsaya:124")
def test_what_a_vote_is_refused_for(world: World) -> None:
    amina, bilal = world.person(), world.person()
    poll, (first, _) = options(write(world, amina, "PULL"))
    _, (other, _) = options(write(world, amina, "PULL"))
    assert faults(world.post(f"{POLLS}/{poll}/vote", bilal, {"poll_option_id": other})) == {"poll_option_id"}
    closed = write(world, amina, "PULL", expired_at="2020-01-01T00:00:00Z")
    over, (option, _) = options(closed)
    assert world.post(f"{POLLS}/{over}/vote", bilal, {"poll_option_id": option}).status_code == 409
    assert world.delete(f"{POLLS}/{over}/vote", bilal).status_code == 409
    block(world, amina, bilal)
    assert world.post(f"{POLLS}/{poll}/vote", bilal, {"poll_option_id": first}).status_code == 404
    assert world.get(f"{POLLS}/{poll}/results", bilal).status_code == 404
    world.delete(f"{POSTS}/{closed['id']}", amina)
    assert world.post(f"{POLLS}/{over}/vote", amina, {"poll_option_id": option}).status_code == 404


@pytest.mark.rule("hamsaya:124")
def test_options_do_not_change(world: World) -> None:
    amina = world.person()
    post = write(world, amina, "PULL")
    assert faults(world.put(f"{POSTS}/{post['id']}", amina, {"poll_options": ["x", "y"]})) == {"poll_options"}


@pytest.mark.rule("hamsaya:130")
def test_votes_at_once_count_exactly(clone: World) -> None:
    post = write(clone, clone.person(), "PULL")
    poll, chosen = options(post)
    people = [clone.person() for _ in range(12)]

    async def everybody() -> None:
        path = f"{POLLS}/{poll}/vote"
        await asyncio.gather(
            *(
                clone.http.post(path, headers=who.auth, json={"poll_option_id": option})
                for who in people
                for option in chosen
            )
        )

    clone.go(everybody())
    stored = clone.sql("SELECT count(*) AS n FROM user_polls")[0]["n"]
    assert sum(counts(clone.get(f"{POSTS}/{post['id']}/polls").json())) == stored == 12
    clone.sql(
        "ALTER TABLE user_polls DISABLE TRIGGER user_polls_count"
    )  # the control: it is the trigger that counts
    clone.post(f"{POLLS}/{poll}/vote", clone.person(), {"poll_option_id": chosen[0]})
    assert sum(counts(clone.get(f"{POSTS}/{post['id']}/polls").json())) == 12


def test_two_polls_for_one_draft_at_once(clone: World) -> None:
    amina = clone.person()
    post = write(clone, amina, "PULL", poll_options=None, status=False)

    async def both() -> list[int]:
        path = f"{POSTS}/{post['id']}/polls"
        answers = await asyncio.gather(
            *(clone.http.post(path, headers=amina.auth, json={"options": ["a", "b"]}) for _ in range(4))
        )
        return sorted(answer.status_code for answer in answers)

    assert clone.go(both()) == [201, 409, 409, 409]


# ---- two people who swap their votes


def _swap(world: World, *, turn: bool) -> list[int]:
    """The answers to two who change their votes crosswise, both when the old one is taken off and the new one not on."""
    (found,) = world.sql("SELECT pg_get_functiondef('user_polls_count'::regproc) AS sql")
    before, _, adding = found["sql"].rpartition("IF TG_OP <> 'DELETE'")
    world.sql(f"{before} PERFORM pg_advisory_xact_lock_shared(20261122); IF TG_OP <> 'DELETE'{adding}")
    poll, chosen = options(write(world, world.person(), "PULL"))
    chosen.sort(reverse=turn)
    voters = [world.person() for _ in chosen]
    for who, option in zip(voters, chosen, strict=True):
        vote(world, poll, option, who)

    async def change(who: Person, option: str) -> int:
        body = {"poll_option_id": option}
        return (await world.http.post(f"{POLLS}/{poll}/vote", headers=who.auth, json=body)).status_code

    crosswise = (change(*one) for one in zip(voters, reversed(chosen), strict=True))
    seen: list[int] = world.go(behind(world, HALT, *crosswise))
    assert world.sql("SELECT sum(vote_count)::int AS votes FROM poll_options") == [{"votes": 2}]
    return sorted(seen)


@pytest.mark.rule("hamsaya:130")
@pytest.mark.parametrize("turn", [False, True])
def test_votes_that_are_swapped_at_once_both_count(clone: World, turn: bool) -> None:
    assert _swap(clone, turn=turn) == [200, 200]


def test_control_without_an_order_one_of_two_swapped_votes_gives_way(clone: World) -> None:
    clone.sql(UNORDERED.read_text())
    assert _swap(clone, turn=False) == [200, 503]
