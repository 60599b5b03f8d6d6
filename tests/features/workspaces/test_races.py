"""People of a workspace who have something done to one another at the same moment. Each race has its control."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from majlis.features.membership import service as membership
from majlis.features.workspaces import store
from majlis.kit.db import Query
from majlis.kit.me import Me
from tests.features.workspaces.acting import Work, asks
from tests.features.workspaces.team import Team
from tests.waiting import in_turn
from tests.world import World

# Others may hold somebody in this way at the same time; who changes their place waits.
MEMBER = "SELECT 1 FROM workspace_members WHERE workspace_id = $1 AND user_id = $2 FOR SHARE"


def brings(world: World, team: Team) -> Work:
    """The member, who is below the admin and came later, into a channel."""
    body = {"user_ids": [str(team["member"].id)]}
    return asks(world, "POST", f"/api/v1/channels/{team.general}/members", team["admin"], json=body)


def writes(world: World, team: Team) -> Work:
    body = {"user_ids": [str(team["member"].id)]}
    return asks(world, "POST", f"{team.path}/dms", team["admin"], json=body)


def gives_role(world: World, team: Team) -> Work:
    path = f"{team.path}/members/{team['admin'].id}"
    return asks(world, "PATCH", path, team["member"], json={"role": "guest"})


def takes_out(world: World, team: Team) -> Work:
    return asks(world, "DELETE", f"{team.path}/members/{team['admin'].id}", team["member"])


NAMING = pytest.mark.parametrize("naming", [brings, writes])
ACTING = pytest.mark.parametrize("acting", [gives_role, takes_out])
Step = Callable[[World, Team], Work]


def _act(world: World, acting: Step, naming: Step) -> list[int]:
    """Who came second has something done to who came first, who names them at this moment."""
    team = Team(world)
    team.set_role("member", "admin")
    team.set_role("admin", "member")
    assert team["admin"].id < team["member"].id
    steps = (acting(world, team), naming(world, team))
    return in_turn(world, MEMBER, [UUID(team.id), team["admin"].id], steps)


@NAMING
@ACTING
def test_an_admin_acts_on_somebody_who_names_them(clone: World, acting: Step, naming: Step) -> None:
    acted, named = _act(clone, acting, naming)
    assert acted in (200, 204) and named in (200, 201)


@NAMING
@ACTING
def test_control_in_another_order_one_of_them_fails(
    clone: World, acting: Step, naming: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = store.HOLD_MEMBERS.sql.replace("ORDER BY user_id", "ORDER BY user_id DESC")
    monkeypatch.setattr(store, "HOLD_MEMBERS", Query(store.Known, changed))
    assert 503 in _act(clone, acting, naming)


# ---- handing on


def _leave_for_good(world: World) -> list[Any]:
    """An owner leaves for good, and brings who follows them into a channel at this moment."""
    team = Team(world)
    owner, heir = team["owner"], team["admin"]
    assert owner.id < heir.id

    async def forget() -> None:
        async with world.app.db.tx() as tx:
            await membership.forget(tx, Me.system, owner.id)

    path = f"/api/v1/channels/{team.lobby}/members"
    bringing = asks(world, "POST", path, owner, json={"user_ids": [str(heir.id)]})
    return in_turn(world, MEMBER, [UUID(team.id), owner.id], [forget, bringing])


def test_an_owner_who_leaves_for_good_names_who_follows(clone: World) -> None:
    assert _leave_for_good(clone) == [None, 200]
    assert [one["role"] for one in clone.sql("SELECT role FROM workspace_members ORDER BY user_id")] == [
        "owner",
        "member",
        "guest",
    ]


def test_control_with_who_follows_held_first_one_of_them_fails(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = store.HEIR.sql + " FOR NO KEY UPDATE OF m"
    monkeypatch.setattr(store, "HEIR", Query(UUID, changed))
    gone, brought = _leave_for_good(clone)
    assert brought == 503 or isinstance(gone, asyncpg.DeadlockDetectedError)
