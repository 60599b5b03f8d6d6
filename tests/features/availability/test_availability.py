"""What people say of themselves, and who sees whether they are there."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from majlis.features.sockets import service as sockets
from majlis.features.sockets.model import Presence, State
from majlis.kit import clock, ids
from majlis.kit.me import Me
from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.surfaces.realtime.wires import Frame, Wire, signed_in
from tests.world import Person, World


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def choose(world: World, who: Person, presence: str, until: Any = None) -> httpx.Response:
    body = {"presence": presence} | ({} if until is None else {"until": until})
    return world.put("/api/v1/users/me/presence", who, body)


def say(world: World, who: Person, **body: Any) -> httpx.Response:
    return world.put("/api/v1/users/me/status", who, body)


def soon(**more: float) -> str:
    return (clock.now() + timedelta(**more)).isoformat()


def connect(world: World, who: Person, state: State, seconds: float = 60) -> None:
    """As a serving process notes somebody."""

    async def work() -> None:
        now = clock.now()
        seen = Presence(who.id, ids.new(), state, now, now + timedelta(seconds=seconds))
        async with world.app.db.tx() as tx:
            await sockets.note(tx, Me.system, seen.node, [seen])

    world.go(work())


def presence(team: Team, who: str, *of: str) -> dict[str, str]:
    """Whom of these roles somebody is told of, and how they are."""
    by_id = {str(person.id): role for role, person in team.people.items()}
    wanted = ",".join(str(team[role].id) for role in of)
    answer = team.request("GET", f"{team.path}/presence", who, params={"user_ids": wanted})
    assert answer.status_code == 200, answer.text
    return {by_id[one["user_id"]]: one["presence"] for one in answer.json()["data"]}


# ---- what one says


@pytest.mark.rule("afrochat:R7", "afrochat:D8")
def test_a_status_is_a_text_an_emoji_and_an_end(team: Team) -> None:
    until = soon(minutes=2)
    answer = say(team.world, team["member"], emoji="🍞", text="  baking\n all day ", expires_at=until)
    assert answer.status_code == 200, answer.text
    status = answer.json()
    assert (status["emoji"], status["text"]) == ("🍞", "baking all day")
    path = f"{team.path}/members/{team['member'].id}"
    assert team.request("GET", path, "owner").json()["status"] == status
    listed = team.request("GET", f"{team.path}/members", "owner").json()["data"]
    assert [one["status"] for one in listed if one["user_id"] == str(team["member"].id)] == [status]
    inside = team.request("GET", f"/api/v1/channels/{team.general}/members", "owner").json()["data"]
    assert [one["status"] for one in inside if one["status"]] == [status]
    assert team.request("GET", path, "outsider").status_code == 404
    with clock.shifted(timedelta(minutes=5)):
        assert team.request("GET", path, "owner").json()["status"] is None
    assert say(team.world, team["member"]).json() == {"emoji": None, "text": None, "expires_at": None}
    assert team.request("GET", path, "owner").json()["status"] is None


@pytest.mark.parametrize("emoji", ["bread", "🍞", "👩🏽‍🍳", "1️⃣"])
def test_emoji_are_unicodes_or_names(team: Team, emoji: str) -> None:
    assert say(team.world, team["member"], emoji=emoji).json()["emoji"] == emoji


@pytest.mark.parametrize(
    "field, value",
    [
        ("emoji", ":bread:"), ("emoji", ""), ("emoji", "two words"), ("emoji", "x" * 65), ("text", "x" * 101),
        ("text", "a\u0000"), ("expires_at", "2020-01-01T00:00:00Z"), ("expires_at", "soon"),
        ("expires_at", "2099-01-01T00:00:00"), ("user_id", "me"),
    ],
)  # fmt: skip
def test_bad_fields_of_a_status_are_named(team: Team, field: str, value: str) -> None:
    answer = say(team.world, team["member"], **{"text": "baking", field: value})
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["error"]["details"]] == [field]


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "presence"),
        ({"presence": "offline"}, "presence"),
        ({"presence": "dnd", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"presence": "dnd", "until": "2099-01-01T00:00:00"}, "until"),
    ],
)
def test_bad_fields_of_a_choice_are_named(team: Team, body: dict[str, Any], field: str) -> None:
    answer = team.world.put("/api/v1/users/me/presence", team["member"], body)
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["error"]["details"]] == [field]


def test_words_that_are_refused_stand_in_no_status(team: Team) -> None:
    moderator = team.world.person("Moderator", role="moderator")
    rule = {"kind": "word", "pattern": "scam", "action": "refuse"}
    assert team.world.post("/api/v1/moderation/filters", moderator, rule).status_code == 201
    assert say(team.world, team["member"], text="a scam").status_code == 422


def test_ones_own_devices_hear_of_it_and_nothing_is_written_twice(team: Team) -> None:
    world, me = team.world, team["member"]
    log = "SELECT payload FROM user_events WHERE user_id = $1 AND type = 'settings.updated' ORDER BY seq"
    for _ in range(2):
        assert choose(world, me, "dnd").json() == {"presence": "dnd", "until": None}
        say(world, me, text="baking")
    assert [sorted(one["payload"]) for one in world.sql(log, me.id)] == [["presence"], ["status"]]
    before = world.sql("SELECT updated_at FROM availability")
    with counted(world) as seen:
        choose(world, me, "dnd")
        say(world, me, text="baking")
    assert not [query for query in seen if query.startswith("INSERT INTO availability")]
    assert world.sql("SELECT updated_at FROM availability") == before


# ---- who is there


@pytest.mark.rule("afrochat:D8")
def test_what_is_chosen_counts_as_long_as_somebody_is_there(team: Team) -> None:
    world, me = team.world, team["member"]
    assert presence(team, "owner", "member") == {"member": "offline"}
    choose(world, me, "dnd")
    assert presence(team, "owner", "member") == {"member": "offline"}
    choose(world, me, "auto")
    connect(world, me, "idle")
    assert presence(team, "owner", "member") == {"member": "away"}
    connect(world, me, "active")
    assert presence(team, "owner", "member") == {"member": "online"}
    for word in ("away", "dnd"):
        choose(world, me, word, soon(minutes=2))
        assert presence(team, "owner", "member") == {"member": word}
    with clock.shifted(timedelta(minutes=5)):
        assert presence(team, "owner", "member") == {"member": "offline"}  # gone, and the choice is over
        connect(world, me, "active")
        assert presence(team, "owner", "member") == {"member": "online"}


def test_only_those_who_share_a_channel(team: Team) -> None:
    everybody = ("owner", "admin", "member", "guest", "outsider")
    assert set(presence(team, "owner", *everybody)) == {"owner", "guest", "admin", "member"}
    assert set(presence(team, "guest", *everybody)) == {"owner", "guest"}  # of the lobby
    assert (
        team.request("GET", f"{team.path}/presence?user_ids={team['owner'].id}", "outsider").status_code
        == 404
    )


def test_a_block_hides_both_from_one_another(team: Team) -> None:
    connect(team.world, team["owner"], "active")
    assert team.world.post(f"/api/v1/users/{team['member'].id}/block", team["owner"]).is_success
    assert presence(team, "member", "owner", "admin") == {"admin": "offline"}
    assert presence(team, "owner", "member", "admin") == {"admin": "offline"}


def test_ids_are_asked_for_by_the_hundred(team: Team) -> None:
    for ids_, status in (("", 422), ("x", 422), (",".join(str(ids.new()) for _ in range(201)), 422)):
        answer = team.request("GET", f"{team.path}/presence", "owner", params={"user_ids": ids_})
        assert answer.status_code == status
        assert [one["field"] for one in answer.json()["error"]["details"]] == ["user_ids"]
    many = ",".join(str(ids.new()) for _ in range(200))
    assert team.request("GET", f"{team.path}/presence", "owner", params={"user_ids": many}).json() == {
        "data": []
    }


def test_it_takes_as_many_statements_for_one_as_for_all(team: Team) -> None:
    sizes = []
    for of in (("member",), ("owner", "admin", "member", "guest")):
        with counted(team.world) as seen:
            presence(team, "owner", *of)
        sizes.append(len(seen))
    assert sizes[0] == sizes[1]


def test_those_who_watch_hear_of_a_choice_and_nobody_else(team: Team) -> None:
    world, me, other = team.world, team["member"], team["owner"]

    async def told(one: Wire) -> Frame:
        return await one.until(lambda frame: frame["t"] == "eph" and frame["type"] == "presence")

    async def put(body: dict[str, Any]) -> None:
        answer = await world.http.put("/api/v1/users/me/presence", headers=me.auth, json=body)
        assert answer.status_code == 200, answer.text

    async def main() -> None:
        async with (
            signed_in(world, me),
            signed_in(world, other) as watching,
            signed_in(world, team["admin"]) as not_,
        ):
            await watching.ask("watch_presence", user_ids=[str(me.id)])
            assert (await told(watching))["data"]["presence"] == "online"
            await put({"presence": "dnd"})
            assert (await told(watching))["data"]["presence"] == "dnd"
            await put({"presence": "auto"})
            assert (await told(watching))["data"]["presence"] == "online"
            await put({"presence": "away", "until": soon(minutes=2)})
            assert (await told(watching))["data"]["presence"] == "away"
            await not_.ask("watch_presence", user_ids=[str(me.id)])  # also who comes to watch later
            assert (await told(not_))["data"]["presence"] == "away"
            await not_.ask("watch_presence", user_ids=[])
            await put({"presence": "dnd"})
            assert (await told(watching))["data"]["presence"] == "dnd"
            await not_.ask("ping")  # whatever was sent to it has come by now
            assert not [frame for frame in not_.waiting if frame["t"] == "eph"]

    world.go(main())
