"""Channels over a socket: what is said there obeys the channel as it does over HTTP."""

import pytest

from tests.features.discussions.talk import place, texts
from tests.features.workspaces.team import Team
from tests.surfaces.realtime.talking import dm, say
from tests.surfaces.realtime.wires import signed_in
from tests.world import World


def test_who_may_not_write_in_a_channel_may_not_over_a_socket(world: World) -> None:
    team = Team(world)
    channel = team.channel("owner", "notices")
    path = f"/api/v1/channels/{channel}"
    world.post(f"{path}/join", team["member"])
    world.request("PATCH", path, team["owner"], json={"posting_policy": "moderators"})

    async def main() -> tuple[str, str, str]:
        async with signed_in(world, team["member"]) as member, signed_in(world, team["outsider"]) as outsider:
            async with signed_in(world, team["owner"]) as owner:
                refused = await say(member, f"c_{channel}", "May I?")
                unknown = await say(outsider, f"c_{channel}", "And I?")
                sent = await say(owner, f"c_{channel}", "Closed on Friday.")
            return refused["code"], unknown["code"], sent["t"]

    assert world.go(main()) == ("read_only_channel", "not_a_member", "sent")
    assert texts(team, "owner", channel)[-1] == "Closed on Friday."


@pytest.mark.settings(require_verified_email=True)
def test_who_has_not_confirmed_an_address_says_nothing_over_a_socket(world: World) -> None:
    amina, karim = world.person(verified=False), world.person()
    stream = dm(world, karim, amina)

    async def main() -> tuple[str, str]:
        async with signed_in(world, amina) as hers, signed_in(world, karim) as his:
            return (await say(hers, stream, "May I?"))["code"], (await say(his, stream, "Not yet."))["t"]

    assert world.go(main()) == ("forbidden", "sent")


def test_a_mention_over_a_socket_counts_as_one(world: World) -> None:
    team = Team(world)

    async def main() -> None:
        async with signed_in(world, team["owner"]) as owner:
            assert (await say(owner, f"c_{team.general}", "Look, @channel"))["t"] == "sent"

    world.go(main())
    assert place(team, "member", team.general)["mention_count"] == 1
    assert place(team, "owner", team.general)["mention_count"] == 0
