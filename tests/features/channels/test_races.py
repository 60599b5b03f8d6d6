"""Channels that somebody is taken out of, or sets up, while they do something there. Each race has its control."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from majlis.features.channels import service as channels
from majlis.features.channels import store
from majlis.features.conversations import service as conversations
from majlis.features.conversations import store as logs
from majlis.features.conversations.model import conversation_stream
from majlis.features.membership import service as membership
from majlis.features.workspaces import service as workspaces
from majlis.kit.db import Query
from majlis.kit.me import Me
from tests.features.workspaces.acting import Work, asks, joins, reads, says
from tests.features.workspaces.team import Team
from tests.waiting import in_turn
from tests.world import Person, World

STREAM = "SELECT 1 FROM user_streams WHERE user_id = $1 FOR UPDATE"
PLACE = "SELECT 1 FROM conversation_members WHERE conversation_id = $1 AND user_id = $2 FOR UPDATE"
MEMBER = "SELECT 1 FROM workspace_members WHERE workspace_id = $1 AND user_id = $2 FOR UPDATE"
DOING = pytest.mark.parametrize("doing", [says, reads])
TURN = pytest.mark.parametrize("turn", [1, -1])
Doing = Callable[[World, str, Person], Work]


def spoken_in(world: World) -> tuple[Team, Person, list[str]]:
    """A team, a member of it, and two channels that they are in, with news for them, in the order of ids."""
    team = Team(world)
    member, both = team["member"], sorted([team.general, team.lobby])
    for channel in both:
        world.go(joins(world, channel, member)())
        assert world.go(says(world, channel, team["owner"])()) == 201
    return team, member, both


def is_out(world: World, person: Person, *teams: Team) -> bool:
    """Whether somebody is in these workspaces and their channels no more, and was told once of each channel."""
    left = world.sql(
        """SELECT 1 FROM workspace_members WHERE user_id = $1 AND workspace_id = ANY($2::uuid[])
        UNION ALL SELECT 1 FROM conversation_members m JOIN channels ch ON ch.id = m.conversation_id
        WHERE m.user_id = $1 AND m.left_seq IS NULL AND ch.workspace_id = ANY($2::uuid[])""",
        person.id, [UUID(team.id) for team in teams],
    )  # fmt: skip
    told = world.sql(
        "SELECT payload FROM user_events WHERE user_id = $1 AND type = 'conversation.removed'", person.id
    )
    return not left and len({one["payload"]["conversation_id"] for one in told}) == len(told) > 0


@pytest.fixture
def held_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard off: the logs of the people of a channel are held before the next channel is locked."""
    record = conversations.record

    async def recording(tx: Any, me: Me, conversation_id: UUID, type: str, data: Any) -> int:
        seq = await record(tx, me, conversation_id, type, data)
        if type in ("member.removed", "channel.archived"):
            await tx.run(logs.HOLD_USERS, await tx.all(logs.MEMBERS, conversation_id))
        return seq

    monkeypatch.setattr(conversations, "record", recording)


# ---- out of a workspace


def _expel(world: World, doing: Doing) -> tuple[list[int], bool]:
    team, member, (_, second) = spoken_in(world)
    taking = asks(world, "DELETE", f"{team.path}/members/{member.id}", team["owner"])
    found = in_turn(world, STREAM, [member.id], [taking, doing(world, second, member)])
    return found, is_out(world, member, team)


@DOING
def test_what_somebody_does_who_is_taken_out_of_a_workspace_does_not_keep_them_in(
    clone: World, doing: Doing
) -> None:
    assert _expel(clone, doing) == ([204, 404], True)


@DOING
def test_control_with_their_log_held_between_two_channels_somebody_fails(
    clone: World, doing: Doing, held_early: None
) -> None:
    found, _ = _expel(clone, doing)
    assert 503 in found


def test_a_crowd_that_is_taken_out_while_it_speaks_and_reads(clone: World) -> None:
    team = Team(clone)
    rooms = [team.channel("owner", f"room{n}") for n in range(4)]
    people = [clone.person() for _ in range(4)]
    for person in people:
        team.come(person, channel_ids=rooms)

    async def run() -> list[int]:
        work = []
        for person in people:
            work += [says(clone, room, person)() for room in rooms[-2:]]
            work.append(asks(clone, "DELETE", f"{team.path}/members/{person.id}", team["owner"])())
            work += [reads(clone, room, person)() for room in rooms[-2:]]
        return list(await asyncio.gather(*work))

    found = clone.go(run())
    assert set(found) <= {200, 201, 204, 403, 404}
    assert found.count(204) == len(people)
    assert all(is_out(clone, person, team) for person in people)


def _acknowledge(world: World, turn: int) -> tuple[list[Any], bool]:
    team, member, both = spoken_in(world)
    places = {conversation_stream(UUID(one)): 1000 for one in both[::turn]}

    async def acknowledge() -> None:
        async with world.app.db.tx() as tx:
            await conversations.acknowledge(tx, member.me, places)

    taking = asks(world, "DELETE", f"{team.path}/members/{member.id}", team["owner"])
    found = in_turn(world, PLACE, [UUID(both[0]), member.id], [taking, acknowledge])
    return found, is_out(world, member, team)


@TURN
def test_a_device_acknowledges_what_came_in_channels_that_somebody_is_taken_out_of(
    clone: World, turn: int
) -> None:
    assert _acknowledge(clone, turn) == ([204, None], True)


@TURN
def test_control_a_device_that_goes_through_them_the_other_way_round_fails_somebody(
    clone: World, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = logs.ACKNOWLEDGE.replace("ORDER BY me.conversation_id", "ORDER BY me.conversation_id DESC")
    monkeypatch.setattr(logs, "ACKNOWLEDGE", changed)
    found, _ = _acknowledge(clone, turn)
    assert found[0] == 503 or isinstance(found[1], asyncpg.DeadlockDetectedError)


# ---- out of all workspaces


async def _forget(world: World, person: Person) -> None:
    async with world.app.db.tx() as tx:
        await membership.forget(tx, Me.system, person.id)


def _leave_for_good(world: World, forget: Callable[[World, Person], Any]) -> tuple[list[Any], bool]:
    one, other = sorted([Team(world), Team(world)], key=lambda team: team.id)
    person = one["member"]
    other.come(person)
    world.go(joins(world, one.lobby, person)())
    going, coming = (lambda: forget(world, person)), joins(world, other.lobby, person)
    return in_turn(world, STREAM, [person.id], [going, coming]), is_out(world, person, one, other)


def test_who_leaves_for_good_comes_into_a_channel_of_their_second_workspace(clone: World) -> None:
    assert _leave_for_good(clone, _forget) == ([None, 404], True)


def test_control_one_workspace_after_the_other_somebody_fails(clone: World) -> None:
    async def forget(world: World, person: Person) -> None:
        async with world.app.db.tx() as tx:
            for workspace_id in await workspaces.bereaved(tx, Me.system, person.id):
                await workspaces.remove(tx, Me.system, workspace_id, person.id)
                await channels.expel(tx, Me.system, person.id, [workspace_id])

    (gone, came), _ = _leave_for_good(clone, forget)
    assert came == 503 or isinstance(gone, asyncpg.DeadlockDetectedError)


# ---- deleting a workspace


def _delete(world: World, doing: Doing) -> list[int]:
    team, member, (_, second) = spoken_in(world)
    deleting = asks(world, "DELETE", team.path, team["owner"], json={"confirm_slug": team.slug})
    return in_turn(world, STREAM, [member.id], [deleting, doing(world, second, member)])


@DOING
def test_a_workspace_is_deleted_while_somebody_does_something_there(clone: World, doing: Doing) -> None:
    assert _delete(clone, doing) == [202, 404]
    places = clone.sql(
        "SELECT conversation_id AS channel, user_id, left_seq AS seq FROM conversation_members"
    )
    told = clone.sql(
        """SELECT (payload ->> 'conversation_id')::uuid AS channel, user_id, (payload ->> 'seq')::bigint AS seq
        FROM user_events WHERE type = 'conversation.removed'"""
    )
    assert len(places) == 6
    assert {tuple(one.values()) for one in told} == {tuple(one.values()) for one in places}
    for stream in clone.sql("SELECT user_id, last_seq FROM user_streams"):
        seqs = clone.sql("SELECT seq FROM user_events WHERE user_id = $1 ORDER BY seq", stream["user_id"])
        assert [one["seq"] for one in seqs] == list(range(1, stream["last_seq"] + 1))


@DOING
def test_control_with_logs_held_between_two_channels_the_deletion_or_the_other_fails(
    clone: World, doing: Doing, held_early: None
) -> None:
    assert 503 in _delete(clone, doing)


# ---- making one


def _make(world: World) -> list[int]:
    team, member, _ = spoken_in(world)
    taking = asks(world, "DELETE", f"{team.path}/members/{member.id}", team["owner"])
    body = {"name": "bread", "member_ids": [str(member.id)]}
    making = asks(world, "POST", f"{team.path}/channels", team["admin"], json=body)
    path = f"/api/v1/channels/{team.lobby}"
    renaming = asks(world, "PATCH", path, team["admin"], json={"name": "bread"})
    return in_turn(world, MEMBER, [UUID(team.id), member.id], [taking, making, renaming])


def test_a_name_is_wanted_for_a_new_channel_by_who_waits_for_its_people(clone: World) -> None:
    assert _make(clone) == [204, 409, 200]


def test_control_with_the_name_before_the_people_somebody_fails(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, make = store.BELONG, channels._make
    monkeypatch.setattr(store, "BELONG", Query(UUID, held.sql.replace("FOR SHARE OF m", "")))

    async def making(tx: Any, me: Me, workspace_id: UUID, body: Any, **more: Any) -> UUID:
        channel_id = await make(tx, me, workspace_id, body, **more)
        await tx.all(held, workspace_id, sorted({me.user(), *body.member_ids}))
        return channel_id

    monkeypatch.setattr(channels, "_make", making)
    assert 503 in _make(clone)


# ---- how somebody wants to hear of one


def _prefer(world: World, *changes: dict[str, Any]) -> dict[str, Any]:
    team = Team(world)
    owner, path = team["owner"], f"/api/v1/channels/{team.general}/members/me"
    before = {"starred": False, "notify": "all", "muted_until": "2031-01-01T00:00:00Z"}
    assert world.request("PATCH", path, owner, json=before).status_code == 200
    setting = [asks(world, "PATCH", path, owner, json=change) for change in changes]
    row = "SELECT 1 FROM channel_preferences FOR UPDATE"
    assert set(in_turn(world, row, [], setting)) == {200}
    found: dict[str, Any] = world.get(f"/api/v1/channels/{team.general}", owner).json()["me"]
    return {name: found[name] for name in before}


def test_two_devices_prefer_different_things_at_once(clone: World) -> None:
    found = _prefer(clone, {"starred": True}, {"notify": "none"}, {"muted_until": None})
    assert found == {"starred": True, "notify": "none", "muted_until": None}


def test_what_is_not_given_stays_with_both(clone: World) -> None:
    found = _prefer(clone, {"starred": True}, {"notify": "mentions"})
    assert found == {"starred": True, "notify": "mentions", "muted_until": "2031-01-01T00:00:00Z"}


def test_control_with_what_was_read_before_one_of_them_is_lost(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PREFER", store.PREFER.replace("p.starred", "false"))
    assert _prefer(clone, {"starred": True}, {"notify": "none"})["starred"] is False
