"""Workspaces: founding, looking, changing, deleting, handing over; who may, and what others learn."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from majlis.features.exports import service as exports
from majlis.features.membership import handlers
from majlis.features.membership import service as membership
from majlis.kit import clock
from majlis.kit.me import Me
from tests.features.discussions.talk import said
from tests.features.media.uploads import jpeg
from tests.features.queries import counted
from tests.features.workspaces.team import WORKSPACES, Team
from tests.world import PASSWORD, Person, World


@pytest.mark.rule("afrochat:R8", "afrochat:D2")
def test_founding_makes_the_caller_the_owner_and_opens_a_channel(world: World) -> None:
    amina = world.person("Amina")
    made = world.post(WORKSPACES, amina, {"name": " Bakers ", "slug": "bakers-kabul", "description": "Bread"})
    assert made.status_code == 201
    body = made.json()
    assert body == {
        "id": body["id"],
        "slug": "bakers-kabul",
        "name": "Bakers",
        "description": "Bread",
        "icon_url": None,
        "owner_id": str(amina.id),
        "created_at": body["created_at"],
        "member_count": 1,
        "my_role": "owner",
        "settings": {
            "who_can_create_channels": "members",
            "who_can_invite": "members",
            "who_can_mention_all": "members",
            "edit_window_s": None,
            "retention_days": None,
            "allow_guests": True,
        },
    }
    (general,) = world.get(f"{WORKSPACES}/{body['id']}/channels", amina).json()["data"]
    assert general["name"] == "general" and general["me"]["is_member"]
    (member,) = world.get(f"{WORKSPACES}/{body['id']}/members", amina).json()["data"]
    assert (member["user_id"], member["role"]) == (str(amina.id), "owner")


@pytest.mark.rule("afrochat:D4")
@pytest.mark.parametrize(
    "slug", ["ab", "a" * 41, "Bakers", "-bakers", "bakers-", "bak_ers", "نان", "bakers\n", ""]
)
def test_a_slug_is_three_to_forty_letters_digits_and_inner_hyphens(world: World, slug: str) -> None:
    amina = world.person()
    refused = world.post(WORKSPACES, amina, {"name": "Bakers", "slug": slug})
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["error"]["details"]] == ["slug"]
    for good in ("abc", "a" * 40, "a-1"):
        assert world.post(WORKSPACES, amina, {"name": "Bakers", "slug": good}).status_code == 201


@pytest.mark.parametrize(
    "body, field",
    [
        ({"slug": "abc"}, "name"),
        ({"name": "", "slug": "abc"}, "name"),
        ({"name": "  ", "slug": "abc"}, "name"),
        ({"name": "x" * 101, "slug": "abc"}, "name"),
        ({"name": "x"}, "slug"),
        ({"name": "x", "slug": "abc", "description": "x" * 1001}, "description"),
        ({"name": "x", "slug": "abc", "owner_id": "0"}, "owner_id"),
    ],
)
def test_bad_fields_of_a_new_workspace_are_named(world: World, body: Any, field: str) -> None:
    refused = world.post(WORKSPACES, world.person(), body)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["error"]["details"]] == [field]


@pytest.mark.rule("afrochat:D4")
def test_a_slug_is_taken_once_also_at_once(clone: World) -> None:
    people = [clone.person() for _ in range(4)]

    async def found() -> list[int]:
        body = {"name": "Bakers", "slug": "bakers"}
        return [
            answer.status_code
            for answer in await asyncio.gather(
                *(clone.http.post(WORKSPACES, json=body, headers=person.auth) for person in people)
            )
        ]

    assert sorted(clone.go(found())) == [201, 409, 409, 409]
    again = clone.post(WORKSPACES, people[0], {"name": "Other", "slug": "bakers"})
    assert again.status_code == 409 and again.json()["error"]["code"] == "slug_taken"
    other = clone.post(WORKSPACES, people[0], {"name": "Other", "slug": "other"}).json()["id"]
    moved = clone.request("PATCH", f"{WORKSPACES}/{other}", people[0], json={"slug": "bakers", "name": "New"})
    assert moved.status_code == 409 and moved.json()["error"]["code"] == "slug_taken"
    assert clone.get(f"{WORKSPACES}/{other}", people[0]).json()["name"] == "Other"


@pytest.mark.rule("afrochat:D2")
def test_everybody_in_it_sees_a_workspace_and_nobody_else(world: World) -> None:
    team = Team(world)
    seen = team.ask("GET", team.path)
    assert seen == {"owner": 200, "admin": 200, "member": 200, "guest": 200, "outsider": 404}
    assert world.get(team.path).status_code == 401
    shown = world.get(team.path, team["guest"]).json()
    assert (shown["my_role"], shown["member_count"]) == ("guest", 4)


def test_the_list_has_the_callers_own_with_what_is_new_in_constant_queries(world: World) -> None:
    team = Team(world)
    member = team["member"]
    with counted(world) as one:
        (own,) = world.get(WORKSPACES, member).json()["data"]
    assert own["id"] == team.id and (own["unread_count"], own["mention_count"]) == (0, 0)
    for number in range(3):
        assert world.post(WORKSPACES, member, {"name": "x", "slug": f"more-{number}"}).status_code == 201
    with counted(world) as four:
        listed = world.get(WORKSPACES, member).json()["data"]
    assert [one["slug"] for one in listed] == [team.slug, "more-0", "more-1", "more-2"]
    assert len(four) == len(one)
    first = world.get(WORKSPACES, member, params={"limit": 3}).json()
    rest = world.get(WORKSPACES, member, params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [one["slug"] for one in first["data"] + rest["data"]] == [one["slug"] for one in listed]
    assert rest["next_cursor"] is None
    skipped = world.get(WORKSPACES, member, params={"offset": 3}).json()
    assert ([one["slug"] for one in skipped["data"]], skipped["total"]) == (["more-2"], 4)
    assert world.get(WORKSPACES, team["outsider"]).json()["data"] == []


def test_admins_change_a_workspace_and_owners_its_slug_and_retention(world: World) -> None:
    team = Team(world)
    assert team.ask("PATCH", team.path, json={"name": "Millers"}) == {
        "owner": 200,
        "admin": 200,
        "member": 403,
        "guest": 403,
        "outsider": 404,
    }
    for body in ({"slug": "millers"}, {"settings": {"retention_days": 30}}):
        assert team.ask("PATCH", team.path, json=body) == {
            "owner": 200,
            "admin": 403,
            "member": 403,
            "guest": 403,
            "outsider": 404,
        }
    shown = world.get(team.path, team["member"]).json()
    assert (shown["name"], shown["slug"], shown["settings"]["retention_days"]) == ("Millers", "millers", 30)
    team.set(edit_window_s=60, who_can_invite="admins")
    team.set(edit_window_s=None)
    settings = world.get(team.path, team["member"]).json()["settings"]
    assert settings["edit_window_s"] is None and settings["who_can_invite"] == "admins"
    for bad, field in (
        ({"settings": {"retention_days": 0}}, "settings.retention_days"),
        ({"settings": {"who_can_invite": "nobody"}}, "settings.who_can_invite"),
        ({"settings": {"edit_window_s": -1}}, "settings.edit_window_s"),
        ({"icon_file_id": "https://example.org/a.webp"}, "icon_file_id"),
        ({"my_role": "owner"}, "my_role"),
        ({"name": " "}, "name"),
    ):
        refused = world.request("PATCH", team.path, team["owner"], json=bad)
        assert refused.status_code == 422
        assert [fault["field"] for fault in refused.json()["error"]["details"]] == [field]


def test_an_icon_is_an_upload_of_the_callers_and_the_former_is_given_up(world: World) -> None:
    team = Team(world)
    files = {"file": ("a.jpg", jpeg())}
    first, second = (world.post("/api/v1/upload", team["owner"], files=files).json()["url"] for _ in range(2))
    assert world.request("PATCH", team.path, team["admin"], json={"icon_file_id": first}).status_code == 422
    changed = world.request("PATCH", team.path, team["owner"], json={"icon_file_id": first})
    assert changed.json()["icon_url"] == first
    world.request("PATCH", team.path, team["owner"], json={"icon_file_id": second})
    assert world.get(team.path, team["member"]).json()["icon_url"] == second
    attached = {
        row["photo"]["url"]: row["attached"] for row in world.sql("SELECT photo, attached FROM uploads")
    }
    assert (attached[first], attached[second]) == (0, 1)
    world.request("PATCH", team.path, team["owner"], json={"icon_file_id": None})
    assert world.get(team.path, team["member"]).json()["icon_url"] is None


def test_the_owner_deletes_a_workspace_and_all_doors_close(world: World) -> None:
    team = Team(world)
    token = team.token()
    for role, status in (("outsider", 404), ("guest", 403), ("member", 403), ("admin", 403)):
        body = {"confirm_slug": team.slug}
        assert team.request("DELETE", team.path, role, json=body).status_code == status
    wrong = team.request("DELETE", team.path, "owner", json={"confirm_slug": "other"})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["details"][0]["field"] == "confirm_slug"
    gone = team.request("DELETE", team.path, "owner", json={"confirm_slug": team.slug})
    assert gone.status_code == 202 and gone.json().keys() == {"purge_after"}
    for path in (
        team.path,
        f"{team.path}/members",
        f"{team.path}/channels",
        f"/api/v1/channels/{team.general}",
    ):
        assert set(team.ask("GET", path).values()) == {404}
    assert world.get(f"/api/v1/invites/{token}").status_code == 410
    assert world.post(f"/api/v1/invites/{token}/accept", team["outsider"]).status_code == 410
    assert world.get(WORKSPACES, team["member"]).json()["data"] == []
    still = "SELECT count(*) AS n FROM conversation_members WHERE conversation_id = $1 AND left_seq IS NULL"
    assert world.sql(still, team.general) == [{"n": 0}]
    end = "SELECT type FROM conversation_events WHERE conversation_id = $1 ORDER BY seq DESC LIMIT 1"
    assert world.sql(end, team.general) == [{"type": "channel.archived"}]
    assert world.post(WORKSPACES, team["owner"], {"name": "x", "slug": team.slug}).status_code == 409


def test_a_deleted_workspace_is_purged_after_its_time_and_not_before(world: World) -> None:
    team, kept = Team(world), Team(world)
    team.request("DELETE", team.path, "owner", json={"confirm_slug": team.slug})
    here = "SELECT count(*) AS n FROM conversations WHERE id = ANY($1::uuid[])"
    channels = [team.general, team.lobby]
    world.go(handlers.purge(world.app))
    assert world.sql(here, channels) == [{"n": 2}]
    with clock.shifted(timedelta(days=31)):
        world.go(handlers.purge(world.app))
    assert world.sql(here, channels) == [{"n": 0}]
    assert world.sql("SELECT count(*) AS n FROM workspaces WHERE id = $1", team.id) == [{"n": 0}]
    assert world.sql(here, [kept.general, kept.lobby]) == [{"n": 2}]
    assert world.post(WORKSPACES, team["owner"], {"name": "x", "slug": team.slug}).status_code == 201


def test_ownership_is_handed_to_a_member_with_the_password(world: World) -> None:
    team = Team(world)
    path = f"{team.path}/transfer_ownership"
    body = {"user_id": str(team["member"].id), "password": PASSWORD}
    for role, status in (("outsider", 404), ("guest", 403), ("member", 403), ("admin", 403)):
        assert team.request("POST", path, role, json=body).status_code == status
    for bad, status, field in (
        ({"user_id": body["user_id"]}, 422, "password"),
        ({**body, "user_id": str(team["guest"].id)}, 422, "user_id"),
        ({**body, "user_id": str(team["outsider"].id)}, 422, "user_id"),
        ({**body, "user_id": str(team["owner"].id)}, 422, "user_id"),
    ):
        refused = team.request("POST", path, "owner", json=bad)
        assert refused.status_code == status
        assert refused.json()["error"]["details"][0]["field"] == field
    assert team.request("POST", path, "owner", json={**body, "password": "Wrong-2026!"}).status_code == 401
    done = team.request("POST", path, "owner", json=body)
    assert done.status_code == 200
    assert (done.json()["owner_id"], done.json()["my_role"]) == (str(team["member"].id), "admin")
    owners = "SELECT user_id::text AS id FROM workspace_members WHERE workspace_id = $1 AND role = 'owner'"
    assert world.sql(owners, team.id) == [{"id": str(team["member"].id)}]


def test_who_leaves_for_good_hands_the_workspace_on(world: World) -> None:
    team = Team(world)
    alone = world.post(WORKSPACES, team["owner"], {"name": "Alone", "slug": "all-alone"}).json()["id"]
    answer = world.request("DELETE", "/api/v1/users/me/account", team["owner"], json={"reason": "other"})
    assert answer.status_code == 204
    world.drain()
    shown = world.get(team.path, team["admin"]).json()
    assert (shown["owner_id"], shown["my_role"], shown["member_count"]) == (
        str(team["admin"].id),
        "owner",
        3,
    )
    assert world.sql("SELECT deleted_at IS NULL AS there FROM workspaces WHERE id = $1", alone) == [
        {"there": False}
    ]


def gone(world: World, person: Person) -> None:
    """What erasing somebody is, when the job that hands on what they own never ran."""
    leaving = world.request("DELETE", "/api/v1/users/me/account", person, json={"reason": "other"})
    assert leaving.status_code == 204
    with clock.shifted(timedelta(days=40)):
        world.go(exports.erase(world.app, Me.system, person.id))
    assert world.sql("SELECT 1 FROM users WHERE id = $1", person.id) == []


def owner_of(world: World, team: Team) -> list[dict[str, Any]]:
    return world.sql(
        "SELECT owner_id, deleted_at IS NULL AS open, purge_after FROM workspaces WHERE id = $1", team.id
    )


def test_a_workspace_outlives_its_owner_even_if_nobody_handed_it_on(world: World) -> None:
    team = Team(world)
    said(team, "member", team.general)
    heirs = [team["admin"], team["member"]]
    for owner, heir in zip((team["owner"], *heirs), heirs, strict=False):
        gone(world, owner)
        assert owner_of(world, team) == [{"owner_id": heir.id, "open": True, "purge_after": None}]
        shown = world.get(f"/api/v1/channels/{team.general}/messages", heir).json()["data"]
        assert [one["text"] for one in shown if one["text"]] == ["salaam"]
    gone(world, team["member"])
    # Only a guest is left, who cannot own it: it is closed, and kept.
    assert owner_of(world, team) == [{"owner_id": None, "open": False, "purge_after": None}]
    assert world.get(f"/api/v1/channels/{team.lobby}/messages", team["guest"]).status_code == 404
    with clock.shifted(timedelta(days=400)):
        world.go(membership.purge(world.app, Me.system))
    assert owner_of(world, team) != []


def test_the_suspended_inherit_last(world: World) -> None:
    team = Team(world)
    world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING 1", team["admin"].id)
    gone(world, team["owner"])
    assert owner_of(world, team)[0]["owner_id"] == team["member"].id


def test_an_open_workspace_cannot_lose_its_owner(world: World) -> None:
    """The last wall, should anybody erase an account in another way."""
    team = Team(world)
    with pytest.raises(asyncpg.CheckViolationError):
        world.sql("DELETE FROM users WHERE id = $1 RETURNING 1", team["owner"].id)


@pytest.mark.settings(rate_limits="on")
def test_nobody_founds_more_than_ten_workspaces_a_day(world: World) -> None:
    amina, other = world.person(), world.person()
    bodies = [{"name": "x", "slug": f"number-{number}"} for number in range(12)]
    answers = [world.post(WORKSPACES, amina, body) for body in bodies[:11]]
    assert [answer.status_code for answer in answers] == [201] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert world.post(WORKSPACES, other, bodies[-1]).status_code == 201
