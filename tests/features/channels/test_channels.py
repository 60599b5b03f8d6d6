"""Channels: making, finding, changing, archiving; who may, and what others learn."""

import asyncio
from typing import Any

import pytest

from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.world import World

ALL_MAY = {"owner": 200, "admin": 200, "member": 200, "guest": 200, "outsider": 404}
NO_GUESTS = {**ALL_MAY, "guest": 404}


def log(world: World, channel_id: str) -> list[str]:
    """What happened in a channel."""
    rows = world.sql(
        "SELECT type FROM conversation_events WHERE conversation_id = $1 ORDER BY seq", channel_id
    )
    return [row["type"] for row in rows]


@pytest.mark.rule("afrochat:R9", "afrochat:D2")
def test_a_channel_belongs_to_its_workspace_and_knows_who_made_it(world: World) -> None:
    team = Team(world)
    member = team["member"]
    body = {"name": "نان", "topic": "Bread", "purpose": "All of it", "member_ids": [str(team["admin"].id)]}
    made = world.post(f"{team.path}/channels", member, body)
    assert made.status_code == 201
    shown = made.json()
    assert shown == {
        "id": shown["id"],
        "workspace_id": team.id,
        "kind": "public",
        "is_private": False,
        "name": "نان",
        "topic": "Bread",
        "purpose": "All of it",
        "created_by": str(member.id),
        "created_at": shown["created_at"],
        "archived_at": None,
        "member_count": 2,
        "posting_policy": "everyone",
        "last_seq": 2,
        "last_message_at": None,
        "me": {
            "is_member": True,
            "last_read_seq": 0,
            "unread_count": 0,
            "mention_count": 0,
            "notify": "default",
            "muted_until": None,
            "starred": False,
        },
    }
    assert log(world, shown["id"]) == ["member.joined", "member.joined"]
    private = world.post(f"{team.path}/channels", member, {"name": "secret", "kind": "private"}).json()
    assert (private["kind"], private["is_private"]) == ("private", True)


@pytest.mark.rule("afrochat:D3")
def test_public_channels_are_open_to_the_workspace_and_private_ones_to_who_is_in_them(world: World) -> None:
    team = Team(world)
    public = team.channel("member", "public")
    private = team.channel("member", "secret", kind="private")
    for path in (f"/api/v1/channels/{public}", f"/api/v1/channels/{public}/members"):
        assert team.ask("GET", path) == NO_GUESTS
    for path in (f"/api/v1/channels/{private}", f"/api/v1/channels/{private}/members"):
        # Not even the owner knows of it.
        assert team.ask("GET", path) == {**NO_GUESTS, "owner": 404, "admin": 404}
    assert team.ask("GET", f"/api/v1/channels/{team.lobby}") == ALL_MAY
    for method, rest, body in (
        ("PATCH", "", {"purpose": "x"}),
        ("PUT", "/topic", {"topic": "x"}),
        ("POST", "/archive", {}),
        ("POST", "/unarchive", {}),
        ("POST", "/join", {}),
        ("POST", "/leave", {}),
        ("POST", "/members", {"user_ids": [str(team["admin"].id)]}),
        ("DELETE", f"/members/{team['member'].id}", None),
        ("PATCH", "/members/me", {"starred": True}),
    ):
        for role in ("owner", "admin", "guest", "outsider"):
            asked = team.request(method, f"/api/v1/channels/{private}{rest}", role, json=body)
            assert asked.status_code == 404, (role, rest)
    assert team.names("owner") == ["general", "lobby", "public"]
    assert "secret" in team.names("member")
    assert team.names("guest") == ["lobby"]
    assert world.get(f"{team.path}/channels", team["outsider"]).status_code == 404


@pytest.mark.rule("afrochat:D3")
@pytest.mark.parametrize("name", ["", "a" * 81, "General", "two words", "tab\there", "İstanbul", " x", "x\n"])
def test_a_name_is_one_to_eighty_characters_in_lower_case(world: World, name: str) -> None:
    team = Team(world)
    refused = world.post(f"{team.path}/channels", team["owner"], {"name": name})
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["error"]["details"]] == ["name"]
    renamed = world.request("PATCH", f"/api/v1/channels/{team.lobby}", team["owner"], json={"name": name})
    assert renamed.status_code == 422


@pytest.mark.rule("afrochat:D3")
def test_a_name_is_taken_once_in_a_workspace_also_at_once(clone: World) -> None:
    team, other = Team(clone), Team(clone)

    async def make() -> list[int]:
        answers = await asyncio.gather(
            *(
                clone.http.post(f"{team.path}/channels", json={"name": "bread"}, headers=team["member"].auth)
                for _ in range(4)
            )
        )
        return sorted(answer.status_code for answer in answers)

    assert clone.go(make()) == [201, 409, 409, 409]
    other.channel("member", "bread")
    cake = team.channel("member", "cake")
    renamed = clone.request("PATCH", f"/api/v1/channels/{cake}", team["member"], json={"name": "bread"})
    assert renamed.status_code == 409 and renamed.json()["error"]["code"] == "name_taken"
    left = clone.sql(
        "SELECT count(*) AS n FROM conversations c LEFT JOIN channels ch USING (id) WHERE ch.id IS NULL"
    )
    assert left == [{"n": 0}]


def test_who_may_make_channels_is_a_setting_and_guests_never_do(world: World) -> None:
    team = Team(world)
    path, numbers = f"{team.path}/channels", iter(range(100))

    def asked() -> dict[str, int]:
        return {
            role: team.request("POST", path, role, json={"name": f"c{next(numbers)}"}).status_code
            for role in ("owner", "admin", "member", "guest", "outsider")
        }

    made = {"owner": 201, "admin": 201, "member": 201, "guest": 403, "outsider": 404}
    assert asked() == made
    team.set(who_can_create_channels="everyone")
    assert asked() == made
    team.set(who_can_create_channels="admins")
    assert asked() == {**made, "member": 403}


def test_only_people_of_the_workspace_come_in_from_the_beginning(world: World) -> None:
    team = Team(world)
    body = {"name": "bread", "member_ids": [str(team["outsider"].id)]}
    refused = world.post(f"{team.path}/channels", team["owner"], body)
    assert refused.status_code == 422
    assert refused.json()["error"]["details"][0]["field"] == "member_ids"
    assert "bread" not in team.names("owner")


def test_channels_are_found_by_name_kind_and_membership_in_pages(world: World) -> None:
    team = Team(world)
    team.channel("member", "bread")
    team.channel("member", "flatbread", kind="private")
    assert team.names("member", q="BREAD") == ["bread", "flatbread"]
    assert team.names("member", q="%") == []
    assert team.names("member", kind="private") == ["flatbread"]
    assert team.names("member", joined=True) == ["bread", "flatbread", "general"]
    assert team.names("member", joined=False) == ["lobby"]
    world.post(f"/api/v1/channels/{team.lobby}/archive", team["owner"])
    assert team.names("member") == ["bread", "flatbread", "general"]
    assert team.names("member", include_archived=True) == ["bread", "flatbread", "general", "lobby"]
    path = f"{team.path}/channels"
    first = world.get(path, team["member"], params={"limit": 2}).json()
    rest = world.get(path, team["member"], params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["name"] for one in first["data"] + rest["data"]] == ["bread", "flatbread", "general"]
    assert rest["next_cursor"] is None
    assert world.get(path, team["member"], params={"offset": 1}).json()["total"] == 3
    assert world.get(path, team["member"], params={"cursor": "x"}).status_code == 400
    assert world.get(path, team["member"], params={"kind": "town"}).status_code == 422


def test_lists_take_as_many_queries_for_few_as_for_many(world: World) -> None:
    team = Team(world)
    paths = [f"{team.path}/channels", f"/api/v1/channels/{team.general}/members"]
    few = []
    for path in paths:
        with counted(world) as seen:
            world.get(path, team["member"])
        few.append(len(seen))
    for number in range(4):
        team.channel("member", f"more-{number}")
        team.come(world.person())
    for path, before in zip(paths, few, strict=True):
        with counted(world) as seen:
            assert len(world.get(path, team["member"]).json()["data"]) > 4
        assert len(seen) == before


def test_moderators_change_a_channel_and_only_the_owner_makes_it_public(world: World) -> None:
    team = Team(world)
    channel = f"/api/v1/channels/{team.channel('member', 'bread')}"
    second = world.person("Second")
    team.come(second)
    assert world.request("PATCH", channel, second, json={"purpose": "x"}).status_code == 403
    assert team.ask("PATCH", channel, json={"purpose": "Flour", "posting_policy": "moderators"}) == NO_GUESTS
    shown = world.get(channel, second).json()
    assert (shown["purpose"], shown["posting_policy"]) == ("Flour", "moderators")
    turned = team.request("PATCH", channel, "admin", json={"kind": "private"})
    assert turned.status_code == 403  # not in it: nobody would get at it any more
    assert team.request("PATCH", channel, "member", json={"kind": "private"}).json()["kind"] == "private"
    assert world.get(channel, second).status_code == 404
    assert team.request("PATCH", channel, "member", json={"kind": "public"}).status_code == 403
    world.post(f"{channel}/members", team["member"], {"user_ids": [str(team["owner"].id)]})
    assert team.request("PATCH", channel, "owner", json={"kind": "public"}).json()["kind"] == "public"
    default = team.request("PATCH", f"/api/v1/channels/{team.general}", "owner", json={"kind": "private"})
    assert default.status_code == 409
    for bad, field in (
        ({"purpose": "x" * 1001}, "purpose"),
        ({"posting_policy": "nobody"}, "posting_policy"),
        ({"kind": "dm"}, "kind"),
        ({"last_seq": 0}, "last_seq"),
    ):
        refused = team.request("PATCH", channel, "owner", json=bad)
        assert [fault["field"] for fault in refused.json()["error"]["details"]] == [field]


def test_a_topic_is_noted_in_the_channel_by_whoever_is_in_it(world: World) -> None:
    team = Team(world)
    channel = team.lobby
    path = f"/api/v1/channels/{channel}/topic"
    assert team.ask("PUT", path, json={"topic": "Rye"}) == {
        "owner": 200,
        "admin": 403,
        "member": 403,
        "guest": 403,
        "outsider": 404,
    }
    assert log(world, channel)[-2:] == ["channel.updated", "message.created"]
    texts = world.sql("SELECT type, text FROM messages WHERE conversation_id = $1", channel)
    assert texts == [{"type": "system", "text": "set the topic: Rye"}]
    assert team.request("PUT", path, "owner", json={"topic": "Rye"}).json()["topic"] == "Rye"
    assert len(world.sql("SELECT 1 FROM messages WHERE conversation_id = $1", channel)) == 1
    assert team.request("PUT", path, "owner", json={"topic": ""}).json()["topic"] is None
    assert team.request("PUT", path, "owner", json={"topic": "x" * 251}).status_code == 422
    assert world.get(f"/api/v1/channels/{channel}", team["guest"]).json()["me"]["unread_count"] == 0


def test_an_archived_channel_is_read_only_and_the_default_one_stays(world: World) -> None:
    team = Team(world)
    channel = team.channel("member", "bread")
    path = f"/api/v1/channels/{channel}"
    second = world.person("Second")
    team.come(second)
    assert world.post(f"{path}/archive", second).status_code == 403
    assert team.ask("POST", f"{path}/archive") == NO_GUESTS
    assert (
        log(world, channel)[-1] == "channel.archived" and log(world, channel).count("channel.archived") == 1
    )
    writing: list[tuple[str, str, Any]] = [
        ("PATCH", "", {"purpose": "x"}),
        ("PUT", "/topic", {"topic": "x"}),
        ("POST", "/members", {"user_ids": [str(team["admin"].id)]}),
    ]
    for method, rest, body in writing:
        refused = team.request(method, path + rest, "member", json=body)
        assert refused.status_code == 409 and refused.json()["error"]["code"] == "channel_archived", rest
    assert world.post(f"{path}/join", second).status_code == 409
    assert world.get(path, second).json()["archived_at"] is not None
    assert team.ask("POST", f"{path}/unarchive") == NO_GUESTS
    assert world.post(f"{path}/join", second).status_code == 200
    for verb in ("archive", "leave"):
        kept = world.post(f"/api/v1/channels/{team.general}/{verb}", team["owner"])
        assert kept.status_code == 409 and kept.json()["error"]["code"] == "default_channel"


@pytest.mark.rule("afrochat:D3")
def test_coming_in_shows_all_that_was_said_and_none_of_it_is_new(world: World) -> None:
    team = Team(world)
    channel = team.channel("owner", "bread")
    world.put(f"/api/v1/channels/{channel}/topic", team["owner"], {"topic": "Rye"})
    path = f"/api/v1/channels/{channel}/join"
    assert team.ask("POST", path) == NO_GUESTS
    assert world.post(f"/api/v1/channels/{team.lobby}/join", team["guest"]).status_code == 200  # is in it
    joined = world.post(path, team["member"]).json()
    assert joined["me"]["is_member"] and joined["me"]["unread_count"] == 0
    assert log(world, channel).count("member.joined") == 3
    seen = "SELECT joined_seq FROM conversation_members WHERE conversation_id = $1 AND user_id = $2"
    assert world.sql(seen, channel, team["member"].id) == [{"joined_seq": 0}]


def test_leaving_and_the_last_one_of_a_private_channel_archives_it(world: World) -> None:
    team = Team(world)
    secret = team.channel("member", "secret", kind="private")
    path = f"/api/v1/channels/{secret}"
    world.post(f"{path}/members", team["member"], {"user_ids": [str(team["admin"].id)]})
    assert world.post(f"{path}/leave", team["member"]).status_code == 204
    assert world.get(path, team["member"]).status_code == 404
    assert log(world, secret)[-1] == "member.left"
    assert world.post(f"{path}/leave", team["admin"]).status_code == 204
    assert log(world, secret)[-2:] == ["member.left", "channel.archived"]
    assert (
        world.post(f"/api/v1/channels/{team.lobby}/leave", team["member"]).status_code == 403
    )  # is not in it
    assert world.post(f"/api/v1/channels/{team.lobby}/leave", team["guest"]).status_code == 204
    assert world.get(f"/api/v1/channels/{team.lobby}", team["guest"]).status_code == 404


def test_bringing_people_in_says_what_became_of_each(world: World) -> None:
    team = Team(world)
    channel = f"/api/v1/channels/{team.lobby}/members"
    ids = {role: str(person.id) for role, person in team.people.items()}
    body = {"user_ids": [ids["member"], ids["guest"], ids["outsider"], ids["member"]]}
    assert {
        role: status for role, status in team.ask("POST", channel, json=body).items() if role != "owner"
    } == {
        "admin": 403,
        "member": 403,
        "guest": 403,
        "outsider": 404,
    }
    world.delete(f"{channel}/{ids['member']}", team["owner"])
    added = world.post(channel, team["owner"], body).json()
    assert added == {
        "added": [ids["member"]],
        "already": [ids["guest"]],
        "failed": [{"user_id": ids["outsider"], "code": "not_in_workspace"}],
    }
    for bad in ([], [ids["member"]] * 101, ["x"]):
        refused = world.post(channel, team["owner"], {"user_ids": bad})
        assert refused.status_code == 422
        assert refused.json()["error"]["details"][0]["field"].startswith("user_ids")
    secret = team.channel("owner", "secret", kind="private", member_ids=[ids["member"]])
    refused = world.post(f"/api/v1/channels/{secret}/members", team["member"], {"user_ids": [ids["admin"]]})
    assert refused.status_code == 403


def test_moderators_take_people_out_but_nobody_above_them(world: World) -> None:
    team = Team(world)
    people = [str(team[role].id) for role in ("admin", "owner", "guest")]
    channel = team.channel("member", "bread", member_ids=people)
    path = f"/api/v1/channels/{channel}/members"
    second = world.person("Second")
    team.come(second)
    world.post(f"/api/v1/channels/{channel}/join", second)
    assert world.delete(f"{path}/{team['guest'].id}", second).status_code == 403
    assert world.delete(f"{path}/{team['admin'].id}", team["member"]).status_code == 403
    assert world.delete(f"{path}/{team['guest'].id}", team["member"]).status_code == 204
    assert world.get(f"/api/v1/channels/{channel}", team["guest"]).status_code == 404
    assert world.delete(f"{path}/{team['guest'].id}", team["member"]).status_code == 404
    assert world.delete(f"{path}/{team['owner'].id}", team["admin"]).status_code == 204
    assert world.delete(f"{path}/{second.id}", second).status_code == 204
    listed = world.get(path, team["member"]).json()["data"]
    assert [(one["username"], one["channel_role"]) for one in listed] == [
        ("admintest", "moderator"),
        ("membertest", "moderator"),
    ]
    assert (
        world.delete(f"/api/v1/channels/{team.general}/members/{second.id}", team["owner"]).status_code == 409
    )


def test_how_to_hear_of_a_channel_is_ones_own_and_told_to_ones_devices(world: World) -> None:
    team = Team(world)
    path = f"/api/v1/channels/{team.lobby}/members/me"
    body = {"notify": "mentions", "starred": True}
    assert team.ask("PATCH", path, json=body) == {
        "owner": 200,
        "admin": 403,
        "member": 403,
        "guest": 200,
        "outsider": 404,
    }
    until = "2031-01-01T00:00:00Z"
    own = world.request("PATCH", path, team["guest"], json={"muted_until": until}).json()
    assert (own["notify"], own["starred"], own["muted_until"]) == ("mentions", True, until)
    told = "SELECT type FROM user_events WHERE user_id = $1 ORDER BY seq DESC LIMIT 1"
    assert world.sql(told, team["guest"].id) == [{"type": "settings.updated"}]
    others = world.get(f"/api/v1/channels/{team.general}", team["owner"]).json()["me"]
    assert (others["notify"], others["starred"]) == ("default", False)
    for bad, field in (({"notify": "loud"}, "notify"), ({"muted_until": "soon"}, "muted_until")):
        refused = world.request("PATCH", path, team["guest"], json=bad)
        assert [fault["field"] for fault in refused.json()["error"]["details"]] == [field]


def test_whoever_is_taken_out_of_the_workspace_meanwhile_stays_in_no_channel(clone: World) -> None:
    """Joining and being taken out at once: whichever is first, nobody is left in a channel who is out."""
    team = Team(clone)
    people = [clone.person() for _ in range(6)]
    for person in people:
        team.come(person)

    async def race() -> None:
        calls = [
            call
            for person in people
            for call in (
                clone.http.post(f"/api/v1/channels/{team.lobby}/join", headers=person.auth),
                clone.http.delete(f"{team.path}/members/{person.id}", headers=team["owner"].auth),
            )
        ]
        for answer in await asyncio.gather(*calls):
            assert answer.status_code in (200, 204, 404), answer.text

    clone.go(race())
    ids = [person.id for person in people]
    left = (
        "SELECT count(*) AS n FROM conversation_members WHERE user_id = ANY($1::uuid[]) AND left_seq IS NULL"
    )
    assert clone.sql(left, ids) == [{"n": 0}]
    assert clone.sql("SELECT count(*) AS n FROM workspace_members WHERE user_id = ANY($1::uuid[])", ids) == [
        {"n": 0}
    ]
