"""Channels over a socket: what is said there obeys the channel as it does over HTTP."""

import contextlib

import pytest

from majlis.kit import facts, jobs
from majlis.surfaces.realtime import hub, outbox
from tests.features.discussions.talk import place, texts
from tests.features.events.inviting import invite
from tests.features.identity.accounts import login
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


@pytest.mark.rule("afrochat:R15", "afrochat:R14", "afrochat:D9")
def test_a_message_reaches_everybody_in_the_channel_and_nobody_else(world: World) -> None:
    team = Team(world)
    stream = f"c_{team.general}"
    assert (hub.MOST_OF_A_KIND, outbox.FRAMES) == (10, 256)

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            wires = {who: await stack.enter_async_context(signed_in(world, team[who])) for who in team.people}
            for who, one in wires.items():
                answer = await one.ask("subscribe", streams={stream: {}})
                inside = who in ("owner", "admin", "member")
                assert (stream in answer["streams"], stream in answer.get("denied", {})) == (
                    inside,
                    not inside,
                )
            sent = await say(wires["member"], stream, "salaam")
            for who in ("owner", "admin", "member"):
                event = await wires[who].event("message.created")
                message = event["data"]["message"]
                assert (event["stream"], event["seq"]) == (stream, sent["seq"])
                assert (message["id"], message["text"]) == (sent["message_id"], "salaam")
                assert message["sender_id"] == str(team["member"].id)
            for who in ("guest", "outsider"):
                await wires[who].quiet("event")

    world.go(main())


@pytest.mark.rule("afrochat:R16")
def test_typing_reaches_the_channel_but_not_who_types_and_comes_from_members_only(world: World) -> None:
    team = Team(world)
    stream = f"c_{team.general}"

    async def main() -> None:
        async with (
            signed_in(world, team["member"]) as member,
            signed_in(world, team["admin"]) as admin,
            signed_in(world, team["guest"]) as guest,
        ):
            for one in (member, admin):
                await one.ask("subscribe", streams={stream: {}})
            guest.put({"t": "typing", "stream": stream})
            await guest.ask("ping")
            member.put({"t": "typing", "stream": stream})
            typing = await admin.until(lambda frame: frame["t"] == "eph")
            assert (typing["type"], typing["stream"]) == ("typing", stream)
            assert typing["data"]["user_id"] == str(team["member"].id)
            assert typing["data"]["expires_in_ms"] > 0
            await member.quiet("eph")

    world.go(main())


def test_an_invitation_to_an_event_is_filled_in_over_a_socket(world: World) -> None:
    team = Team(world)
    event = invite(world, team["owner"], title="Kites")
    stream = f"c_{team.general}"

    async def main() -> None:
        async with signed_in(world, team["member"]) as member:
            await member.ask("subscribe", streams={stream: {}})
            refused = await say(member, stream, "come", type="event_invite")
            assert refused["t"] == "error"
            await say(member, stream, "come", type="event_invite", event_id=event["id"], title="Free bread")
            data = (await member.event("message.created"))["data"]["message"]["data"]
            assert (data["event_id"], data["title"]) == (event["id"], "Kites")
            assert data["starts_at"] and "place" in data

    world.go(main())


def test_a_direct_conversation_comes_over_the_socket_and_ends_there(world: World) -> None:
    team = Team(world)
    own = f"u_{team['admin'].id}"

    async def main() -> None:
        async with signed_in(world, team["admin"]) as admin:
            await admin.ask("subscribe", streams={own: {}})
            body = {"user_ids": [str(team["admin"].id)]}
            made = (await world.http.post(f"{team.path}/dms", json=body, headers=team["member"].auth)).json()
            told = (await admin.event("conversation.created", own))["data"]
            assert told == {"conversation_id": made["id"], "kind": "dm"}
            stream = f"c_{made['id']}"
            await admin.ask("subscribe", streams={stream: {}})
            path = f"{team.path}/members/{team['member'].id}"
            assert (await world.http.delete(path, headers=team["member"].auth)).status_code == 204
            assert (await admin.event("member.left", stream))["data"]["user_id"] == str(team["member"].id)
            closed = await admin.until(lambda frame: frame["t"] == "stream_closed")
            assert (closed["stream"], closed["reason"]) == (stream, "archived")

    world.go(main())


def test_who_leaves_by_themselves_hears_no_more(world: World) -> None:
    team = Team(world)
    channel = team.channel("owner", "bread", member_ids=[str(team["member"].id)])
    stream = f"c_{channel}"

    async def main() -> None:
        async with signed_in(world, team["member"]) as member:
            await member.ask("subscribe", streams={stream: {}})
            path = f"/api/v1/channels/{channel}/leave"
            assert (await world.http.post(path, headers=team["member"].auth)).status_code == 204
            await member.event("member.left", stream)
            closed = await member.until(lambda frame: frame["t"] == "stream_closed")
            assert (closed["stream"], closed["reason"]) == (stream, "removed")

    world.go(main())


def test_devices_learn_which_sessions_ended(world: World) -> None:
    amina = world.person("Amina")
    own = f"u_{amina.id}"
    other = login(world, amina.email).json()["access_token"]

    async def main() -> None:
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={own: {}})
            headers = {"Authorization": f"Bearer {other}"}
            assert (await world.http.post("/api/v1/auth/logout", json={}, headers=headers)).is_success
            await jobs.drain(world.app, world.app.db, facts.registry)
            assert len((await one.event("session.revoked", own))["data"]["session_ids"]) == 1

    world.go(main())
