"""Who sees whom in a workspace, roles, leaving and being taken out."""

import pytest

from majlis.features.conversations import service as conversations
from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.world import Person, World


def listed(team: Team, who: str, **query: object) -> list[str]:
    answer = team.request("GET", f"{team.path}/members", who, params=query)
    assert answer.status_code == 200, answer.text
    return [one["username"] for one in answer.json()["data"]]


@pytest.mark.rule("afrochat:D2")
def test_everybody_is_listed_by_name_and_guests_see_whom_they_share_a_channel_with(world: World) -> None:
    team = Team(world)
    assert listed(team, "member") == ["admintest", "guesttest", "membertest", "ownertest"]
    assert listed(team, "guest") == ["guesttest", "ownertest"]
    world.post(f"/api/v1/channels/{team.lobby}/join", team["member"])
    assert listed(team, "guest") == ["guesttest", "membertest", "ownertest"]
    for who, status in (("member", 200), ("admin", 404), ("guest", 200), ("outsider", 404)):
        assert team.request("GET", f"{team.path}/members/{team[who].id}", "guest").status_code == status
    assert team.ask("GET", f"{team.path}/members") == {
        "owner": 200,
        "admin": 200,
        "member": 200,
        "guest": 200,
        "outsider": 404,
    }
    assert team.request("GET", f"{team.path}/members/{team['owner'].id}", "outsider").status_code == 404


def test_a_member_has_a_username_a_display_name_and_a_picture_if_there_is_one(world: World) -> None:
    team = Team(world)
    path = f"{team.path}/members/{team['member'].id}"
    shown = team.request("GET", path, "owner").json()
    assert shown == {
        "user_id": str(team["member"].id),
        "username": "membertest",
        "display_name": "Member Test",
        "avatar_url": None,
        "role": "member",
        "title": None,
        "is_bot": False,
        "joined_at": shown["joined_at"],
        "deactivated_at": None,
        "status": None,
    }
    changed = team.request("PATCH", path, "member", json={"title": "Baker", "display_name": "Momo"})
    assert (changed.json()["title"], changed.json()["display_name"]) == ("Baker", "Momo")
    team.request("PATCH", path, "member", json={"title": None})
    shown = team.request("GET", path, "owner").json()
    assert (shown["title"], shown["display_name"]) == (None, "Momo")
    for bad, field in (
        ({"display_name": ""}, "display_name"),
        ({"display_name": " "}, "display_name"),
        ({"title": "x" * 101}, "title"),
        ({"username": "root"}, "username"),
        ({"role": "owner"}, "role"),
    ):
        refused = team.request("PATCH", path, "member", json=bad)
        assert refused.status_code == 422
        assert [fault["field"] for fault in refused.json()["error"]["details"]] == [field]
    assert team.request("PATCH", path, "owner", json={"title": "Boss"}).status_code == 403


def test_usernames_are_told_apart_and_hidden_names_stay_hidden(world: World) -> None:
    team = Team(world)
    for _ in range(2):
        team.come(world.person("Member"))
    hidden = world.person("Zahra")
    world.sql("UPDATE profiles SET hides = 2 WHERE id = $1 RETURNING id", hidden.id)
    team.come(hidden)
    names = listed(team, "owner")
    assert [name for name in names if name.startswith("member")] == [
        "membertest",
        "membertest2",
        "membertest3",
    ]
    assert "z" in names and not [name for name in names if name.startswith("zahra")]
    shown = team.request("GET", f"{team.path}/members/{hidden.id}", "owner").json()
    assert shown["display_name"] == "Z"
    assert listed(team, "owner", q="zahra") == []


def test_members_are_found_by_name_and_role_in_pages(world: World) -> None:
    team = Team(world)
    assert listed(team, "owner", q="mem") == ["membertest"]
    assert listed(team, "owner", q="Guest") == ["guesttest"]
    assert listed(team, "owner", q="%") == []
    assert listed(team, "owner", role="admin") == ["admintest"]
    first = team.request("GET", f"{team.path}/members", "owner", params={"limit": 3}).json()
    rest = team.request(
        "GET", f"{team.path}/members", "owner", params={"limit": 3, "cursor": first["next_cursor"]}
    ).json()
    assert [one["username"] for one in first["data"] + rest["data"]] == listed(team, "owner")
    counted_total = team.request("GET", f"{team.path}/members", "owner", params={"offset": 0}).json()["total"]
    assert counted_total == 4


def test_the_list_of_members_takes_as_many_queries_for_few_as_for_many(world: World) -> None:
    team = Team(world)
    with counted(world) as few:
        listed(team, "guest")
    for _ in range(3):
        team.come(world.person())
    with counted(world) as many:
        listed(team, "guest")
    assert len(few) == len(many)


def test_who_deactivated_the_account_is_marked(world: World) -> None:
    team = Team(world)
    world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING id", team["member"].id)
    shown = team.request("GET", f"{team.path}/members/{team['member'].id}", "owner").json()
    assert shown["deactivated_at"] is not None


@pytest.mark.rule("afrochat:D2")
def test_admins_give_roles_up_to_their_own_and_never_touch_the_owner(world: World) -> None:
    team = Team(world)
    path = f"{team.path}/members/{team['guest'].id}"
    assert team.ask("PATCH", path, json={"role": "member"}) == {
        "owner": 200,
        "admin": 200,
        "member": 403,
        "guest": 403,
        "outsider": 404,
    }
    owner, admin = (f"{team.path}/members/{team[role].id}" for role in ("owner", "admin"))
    assert team.request("PATCH", owner, "admin", json={"role": "member"}).status_code == 403
    assert team.request("PATCH", owner, "owner", json={"role": "member"}).status_code == 403
    assert team.request("PATCH", path, "admin", json={"role": "admin"}).status_code == 200
    assert team.request("PATCH", admin, "member", json={"role": "member"}).status_code == 403
    assert team.request("PATCH", admin, "admin", json={"role": "member"}).json()["role"] == "member"
    assert team.request("PATCH", path, "admin", json={"role": "guest"}).status_code == 403
    gone = f"{team.path}/members/{team['outsider'].id}"
    assert team.request("PATCH", gone, "owner", json={"role": "member"}).status_code == 404
    team.set(allow_guests=False)
    assert team.request("PATCH", path, "owner", json={"role": "guest"}).status_code == 409


def test_whoever_is_taken_out_is_out_of_all_channels_at_once(world: World) -> None:
    team = Team(world)
    secret = team.channel("member", "secret", kind="private")
    member = team["member"]
    assert team.request("DELETE", f"{team.path}/members/{member.id}", "admin").status_code == 204
    for path in (team.path, f"/api/v1/channels/{team.general}", f"/api/v1/channels/{secret}"):
        assert world.get(path, member).status_code == 404
    heads = streams(world, member, [last_of(team.general), last_of(secret)])
    assert heads == {}
    types = "SELECT type FROM conversation_events WHERE conversation_id = $1 ORDER BY seq DESC LIMIT 1"
    assert world.sql(types, team.general) == [{"type": "member.removed"}]
    told = "SELECT type FROM user_events WHERE user_id = $1 ORDER BY seq DESC LIMIT 1"
    assert world.sql(told, member.id) == [{"type": "conversation.removed"}]


def last_of(channel_id: str) -> str:
    return f"c_{channel_id}"


def streams(world: World, who: Person, names: list[str]) -> dict[str, object]:
    """The logs that somebody may still follow by a socket."""

    async def run() -> dict[str, object]:
        async with world.app.db.read() as tx:
            return dict((await conversations.heads(tx, who.me, names)).heads)

    return world.go(run())


def test_who_takes_whom_out(world: World) -> None:
    team = Team(world)
    member = f"{team.path}/members/{team['member'].id}"
    assert team.request("DELETE", member, "outsider").status_code == 404
    assert team.request("DELETE", member, "guest").status_code == 404  # they share no channel
    second = world.person("Second")
    team.come(second)
    assert world.delete(member, second).status_code == 403
    other = world.person("Other")
    team.come(other)
    path = f"{team.path}/members/{other.id}"
    assert team.request("PATCH", path, "owner", json={"role": "admin"}).status_code == 200
    assert team.request("DELETE", path, "admin").status_code == 403  # nobody of one's own rank
    assert team.request("DELETE", f"{team.path}/members/{team['owner'].id}", "admin").status_code == 403
    assert team.request("DELETE", path, "owner").status_code == 204
    assert team.request("DELETE", path, "owner").status_code == 404
    leaving = team.request("DELETE", f"{team.path}/members/{team['owner'].id}", "owner")
    assert leaving.status_code == 409 and leaving.json()["error"]["code"] == "owner_must_transfer"
    assert team.request("DELETE", member, "member").status_code == 204
    assert team.request("GET", team.path, "member").status_code == 404
    assert world.get(team.path, second).json()["member_count"] == 4
