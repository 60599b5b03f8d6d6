"""Files in the copy of one's data, and what becomes of them when accounts and workspaces go."""

import json
from datetime import timedelta

from majlis.features.attachments import service as attachments
from majlis.features.membership import handlers
from majlis.kit import clock
from majlis.kit.me import Me
from tests.features.exports.living import copy, leave, nights
from tests.features.files.shelf import PDF, shared, status, uploaded
from tests.features.media.uploads import names
from tests.features.workspaces.team import Team
from tests.world import World


def test_a_copy_holds_own_files(world: World) -> None:
    team = Team(world)
    mine, _ = shared(team, "member", team.general)
    shared(team, "owner", team.general, b"not mine")
    held = copy(world, team["member"])
    (row,) = json.loads(held["files.json"])
    assert (row["id"], row["sha256"], row["name"]) == (mine["id"], mine["sha256"], "plan.pdf")
    assert {name for name in held if name.startswith("attachments/")} == {row["object"]}
    assert held[row["object"]] == PDF


def test_files_go_with_the_account(world: World) -> None:
    team = Team(world)
    mine, _ = shared(team, "member", team.general)
    kept, _ = shared(team, "owner", team.general)
    leave(world, team["member"])
    assert status(team, "owner", mine["id"]) == (200, 200)
    nights(world, 32)
    with clock.shifted(timedelta(days=33)):
        world.go(attachments.sweep(world.app, Me.system))
    assert [row["id"] for row in world.sql("SELECT id::text FROM attachments")] == [kept["id"]]
    assert len(names(world)) == 1


def test_files_go_with_the_workspace(world: World) -> None:
    team, other = Team(world), Team(world)
    shared(team, "member", team.general)
    uploaded(team, "member", team.general)
    kept, _ = shared(other, "member", other.general)
    gone = team.request("DELETE", team.path, "owner", json={"confirm_slug": team.slug})
    assert gone.status_code == 202
    with clock.shifted(timedelta(days=31)):
        world.go(handlers.purge(world.app))
        assert world.go(attachments.sweep(world.app, Me.system)) == 2
    assert [row["id"] for row in world.sql("SELECT id::text FROM attachments")] == [kept["id"]]
    assert len(names(world)) == 1
