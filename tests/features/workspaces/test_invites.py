"""Invitations by link and by mail: who makes them, what they are good for, and when they are not any more."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from majlis.kit import clock, crypto
from tests.features.workspaces.team import Team
from tests.world import Person, World


def invites(team: Team) -> str:
    return f"{team.path}/invites"


def mailed(world: World, to: str) -> list[str]:
    """The tokens that were mailed to an address, newest first."""
    letters = [letter for letter in world.mails() if letter.to == to and "invited" in letter.subject]
    return [re.findall(r"/invites/(\S+)", letter.text)[0] for letter in letters]


def test_a_link_is_shown_once_and_stored_as_a_hash(world: World) -> None:
    team = Team(world)
    made = world.post(invites(team), team["owner"], {"kind": "link", "max_uses": 2, "expires_in_s": 3600})
    assert made.status_code == 201
    (one,) = made.json()["data"]
    token = one["url"].rpartition("/")[2]
    assert (one["kind"], one["role"], one["max_uses"], one["uses"], one["status"]) == (
        "link",
        "member",
        2,
        0,
        "active",
    )
    listed = world.get(invites(team), team["owner"]).json()["data"]
    assert listed[0]["id"] == one["id"] and not [each for each in listed if each["url"]]
    stored = world.sql("SELECT token_hash FROM workspace_invites WHERE id = $1", one["id"])
    assert stored == [{"token_hash": crypto.digest(token)}]
    shown = world.get(f"/api/v1/invites/{token}").json()
    assert shown == {
        "workspace": {"name": "Bakers", "slug": team.slug, "icon_url": None},
        "inviter_name": "Owner Test",
        "role": "member",
        "expires_at": one["expires_at"],
    }
    assert world.get("/api/v1/invites/made-up").status_code == 404
    assert world.post("/api/v1/invites/made-up/accept", team["outsider"]).status_code == 404
    assert world.post(f"/api/v1/invites/{token}/accept").status_code == 401


def test_accepting_lets_somebody_in_and_into_the_channels(world: World) -> None:
    team, newcomer = Team(world), world.person("New")
    secret = team.channel("owner", "secret", kind="private")
    accepted = team.come(newcomer, channel_ids=[secret, team.lobby])
    assert accepted["workspace"]["my_role"] == "member"
    assert set(accepted["joined_channels"]) == {secret, team.lobby, team.general}
    assert world.get(f"/api/v1/channels/{secret}", newcomer).json()["me"]["is_member"]


def test_a_guest_comes_into_the_named_channels_only(world: World) -> None:
    team = Team(world)
    assert team.names("guest") == ["lobby"]
    for body, code in (
        ({"kind": "link", "role": "guest"}, "channels_required"),
        ({"kind": "link", "channel_ids": [str(team["owner"].id)]}, "unknown_channel"),
    ):
        refused = world.post(invites(team), team["owner"], body)
        assert refused.status_code == 422 and refused.json()["error"]["code"] == code
        assert refused.json()["error"]["details"][0]["field"] == "channel_ids"
    secret = team.channel("owner", "secret", kind="private")
    unknown = world.post(invites(team), team["member"], {"kind": "link", "channel_ids": [secret]})
    assert unknown.status_code == 422  # as one that there is not
    team.set(allow_guests=False)
    body = {"kind": "link", "role": "guest", "channel_ids": [team.lobby]}
    assert world.post(invites(team), team["owner"], body).status_code == 409


def test_who_may_invite_is_a_setting_and_guests_never_do(world: World) -> None:
    team = Team(world)
    link = {"kind": "link"}
    assert team.ask("POST", invites(team), json=link) == {
        "owner": 201,
        "admin": 201,
        "member": 201,
        "guest": 403,
        "outsider": 404,
    }
    team.set(who_can_invite="admins")
    assert team.ask("POST", invites(team), json=link) == {
        "owner": 201,
        "admin": 201,
        "member": 403,
        "guest": 403,
        "outsider": 404,
    }
    team.set(who_can_invite="everyone")
    assert team.request("POST", invites(team), "guest", json=link).status_code == 403


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "kind"),
        ({"kind": "carrier pigeon"}, "kind"),
        ({"kind": "link", "role": "admin"}, "role"),
        ({"kind": "link", "emails": ["a@example.org"]}, "emails"),
        ({"kind": "email"}, "emails"),
        ({"kind": "email", "emails": ["nobody"]}, "emails[0]"),
        ({"kind": "email", "emails": [f"a{n}@example.org" for n in range(51)]}, "emails"),
        ({"kind": "link", "max_uses": 0}, "max_uses"),
        ({"kind": "link", "expires_in_s": 30 * 24 * 3600 + 1}, "expires_in_s"),
    ],
)
def test_bad_fields_of_an_invitation_are_named(world: World, body: Any, field: str) -> None:
    team = Team(world)
    refused = world.post(invites(team), team["owner"], body)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["error"]["details"]] == [field]


def test_an_invitation_ends_by_use_time_or_hand(world: World) -> None:
    team = Team(world)
    used, old, revoked = team.token(max_uses=1), team.token(expires_in_s=60), team.token()
    assert world.post(f"/api/v1/invites/{used}/accept", world.person()).status_code == 200
    (mine, *_) = world.get(invites(team), team["owner"], params={"status": "active"}).json()["data"]
    assert world.delete(f"{invites(team)}/{mine['id']}", team["owner"]).status_code == 204
    assert world.delete(f"{invites(team)}/{mine['id']}", team["owner"]).status_code == 204
    with clock.shifted(timedelta(seconds=61)):
        for token in (used, old, revoked):
            assert world.get(f"/api/v1/invites/{token}").status_code == 410
            assert world.post(f"/api/v1/invites/{token}/accept", team["outsider"]).status_code == 410
        listed = world.get(invites(team), team["owner"]).json()["data"]
        found = {
            state: [
                one["id"]
                for one in world.get(invites(team), team["owner"], params={"status": state}).json()["data"]
            ]
            for state in ("active", "used", "expired", "revoked")
        }
    assert found == {state: [one["id"] for one in listed if one["status"] == state] for state in found}
    assert len(found["revoked"]) == 1 and len(found["expired"]) == 1 and len(found["used"]) == 1


def test_accepting_twice_counts_once_and_whoever_was_taken_out_does_not_come_back_by_it(world: World) -> None:
    team, newcomer = Team(world), world.person("New")
    token = team.token(max_uses=5)
    for _ in range(2):
        assert world.post(f"/api/v1/invites/{token}/accept", newcomer).status_code == 200
    assert world.post(f"/api/v1/invites/{token}/accept", team["member"]).status_code == 200
    (one, *_) = world.get(invites(team), team["owner"]).json()["data"]
    assert one["uses"] == 1
    assert world.delete(f"{team.path}/members/{newcomer.id}", team["owner"]).status_code == 204
    assert world.post(f"/api/v1/invites/{token}/accept", newcomer).status_code == 410
    assert world.post(f"/api/v1/invites/{token}/accept", team["outsider"]).status_code == 200


def test_what_somebody_offered_who_left_is_void_also_when_they_come_back(world: World) -> None:
    team = Team(world)
    token = team.token("member")
    assert world.get(f"/api/v1/invites/{token}").status_code == 200
    assert world.delete(f"{team.path}/members/{team['member'].id}", team["owner"]).status_code == 204
    assert world.get(f"/api/v1/invites/{token}").status_code == 410
    assert world.post(f"/api/v1/invites/{token}/accept", team["outsider"]).status_code == 410
    team.come(team["member"])
    assert world.post(f"/api/v1/invites/{token}/accept", team["outsider"]).status_code == 410
    token = team.token("member")
    team.set_role("member", "guest")
    assert world.post(f"/api/v1/invites/{token}/accept", team["outsider"]).status_code == 410


def test_a_link_for_one_lets_one_in_however_many_come_at_once(clone: World) -> None:
    team = Team(clone)
    people = [clone.person() for _ in range(5)]
    token, open_token = team.token(max_uses=1), team.token()

    async def come(by: str, who: list[Person]) -> list[int]:
        answers = await asyncio.gather(
            *(clone.http.post(f"/api/v1/invites/{by}/accept", headers=person.auth) for person in who)
        )
        return sorted(answer.status_code for answer in answers)

    assert clone.go(come(token, people)) == [200, 410, 410, 410, 410]
    # The control: without the limit all of them come, each once.
    assert clone.go(come(open_token, [*people, *people])) == [200] * 10
    assert clone.get(team.path, team["owner"]).json()["member_count"] == 9


def test_a_mailed_invitation_is_for_the_confirmed_address_only(world: World) -> None:
    team, invited, thief = Team(world), world.person("Invited"), world.person("Thief")
    body = {"kind": "email", "emails": [invited.email.upper(), invited.email, "nobody@example.org"]}
    made = world.post(invites(team), team["member"], body)
    assert made.status_code == 201
    assert [(one["url"], one["max_uses"]) for one in made.json()["data"]] == [(None, 1), (None, 1)]
    world.drain()
    assert len(mailed(world, "nobody@example.org")) == 1
    to = made.json()["data"][0]["email"]
    (token,) = mailed(world, to)
    assert world.get(f"/api/v1/invites/{token}").json()["inviter_name"] == "Member Test"
    stolen = world.post(f"/api/v1/invites/{token}/accept", thief)
    assert stolen.status_code == 403 and stolen.json()["error"]["code"] == "wrong_address"
    world.sql("UPDATE users SET email_verified = false WHERE id = $1 RETURNING id", invited.id)
    assert world.post(f"/api/v1/invites/{token}/accept", invited).status_code == 403
    world.sql("UPDATE users SET email_verified = true WHERE id = $1 RETURNING id", invited.id)
    assert world.post(f"/api/v1/invites/{token}/accept", invited).status_code == 200
    world.delete(f"{team.path}/members/{invited.id}", team["owner"])
    assert world.post(f"/api/v1/invites/{token}/accept", invited).status_code == 410


def test_a_mail_is_sent_again_three_times_a_day_and_voids_the_one_before(world: World) -> None:
    team = Team(world)
    body = {"kind": "email", "emails": ["new@example.org"]}
    invite_id = world.post(invites(team), team["member"], body).json()["data"][0]["id"]
    world.drain()
    (first,) = mailed(world, "new@example.org")
    path = f"{invites(team)}/{invite_id}/resend"
    second = world.person("Second")
    team.come(second)
    assert world.post(path, second).status_code == 404
    for role, status in (("outsider", 404), ("guest", 404), ("member", 202), ("admin", 202), ("owner", 202)):
        assert team.request("POST", path, role).status_code == status
    often = team.request("POST", path, "owner")
    assert often.status_code == 429 and int(often.headers["Retry-After"]) > 0
    world.drain()
    assert world.get(f"/api/v1/invites/{first}").status_code == 404
    assert len(mailed(world, "new@example.org")) == 4
    good = [
        token
        for token in mailed(world, "new@example.org")
        if world.get(f"/api/v1/invites/{token}").is_success
    ]
    assert len(good) == 1
    world.sql("UPDATE workspace_invites SET resent_on = resent_on - 1 WHERE id = $1 RETURNING id", invite_id)
    assert team.request("POST", path, "owner").status_code == 202
    link = world.post(invites(team), team["owner"], {"kind": "link"}).json()["data"][0]["id"]
    assert team.request("POST", f"{invites(team)}/{link}/resend", "owner").status_code == 409
    assert world.delete(f"{invites(team)}/{invite_id}", team["owner"]).status_code == 204
    assert team.request("POST", path, "owner").status_code == 410


def test_admins_see_all_invitations_and_others_their_own(world: World) -> None:
    team = Team(world)
    theirs, mine = team.token("owner"), team.token("member")
    assert theirs != mine
    own = world.get(invites(team), team["member"]).json()["data"]
    assert [one["inviter_id"] for one in own] == [str(team["member"].id)]
    everything = world.get(invites(team), team["admin"]).json()["data"]
    assert len(everything) > len(own)
    assert team.ask("GET", invites(team)) == {
        "owner": 200,
        "admin": 200,
        "member": 200,
        "guest": 200,
        "outsider": 404,
    }
    assert world.get(invites(team), team["guest"]).json()["data"] == []
    others = next(one["id"] for one in everything if one["inviter_id"] == str(team["owner"].id))
    for role, status in (("outsider", 404), ("guest", 404), ("member", 404), ("admin", 204)):
        assert team.request("DELETE", f"{invites(team)}/{others}", role).status_code == status
    first = world.get(invites(team), team["admin"], params={"limit": 2}).json()
    rest = world.get(
        invites(team), team["admin"], params={"limit": 100, "cursor": first["next_cursor"]}
    ).json()
    assert [one["id"] for one in first["data"] + rest["data"]] == [one["id"] for one in everything]


@pytest.mark.settings(rate_limits="on")
def test_somebody_mails_two_hundred_invitations_a_day(world: World) -> None:
    team = Team(world)

    def invite(who: str, number: int) -> int:
        emails = [f"a{number}-{at}@example.org" for at in range(50)]
        return world.post(invites(team), team[who], {"kind": "email", "emails": emails}).status_code

    assert [invite("owner", number) for number in range(5)] == [201] * 4 + [429]
    assert invite("member", 6) == 201
    assert world.post(invites(team), team["owner"], {"kind": "link"}).status_code == 201
