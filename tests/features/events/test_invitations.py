"""Messages that invite to an event: what the server says of it there."""

from typing import Any
from uuid import uuid4

import pytest

from tests.features.discussions.talk import delete, read, said, send
from tests.features.events.inviting import invite
from tests.features.messages.test_routes import made, of
from tests.features.posts.writing import block, faults, write
from tests.features.workspaces.team import Team
from tests.world import World


def test_in_a_channel_the_server_says_what_when_and_where(world: World) -> None:
    team = Team(world)
    event = write(
        world, team["owner"], "EVENT", title="Kites", start_date="2031-03-21", start_time="15:30:00",
        end_date="2031-03-21", end_time="18:00:00", neighborhood="Karte Char", province="Kabul",
    )  # fmt: skip
    words = {"type": "event_invite", "text": "Come and fly", "event_id": event["id"]}
    message = said(team, "member", team.general, **words)
    assert (message["type"], message["text"]) == ("event_invite", "Come and fly")
    assert message["event"] == {
        "event_id": event["id"], "title": "Kites", "starts_at": "2031-03-21T11:00:00Z", "place": "Karte Char, Kabul",
    }  # fmt: skip
    world.request("PUT", f"/api/v1/posts/{event['id']}", team["owner"], data={"title": "Other"})
    assert read(team, "admin", message["id"])["event"]["title"] == "Kites", "what it said stays"
    assert "event" not in said(team, "member", team.general, "plain")
    assert delete(team, "member", message["id"]) == 204
    assert "event" not in read(team, "admin", message["id"])


def test_it_is_an_event_that_the_sender_sees(world: World) -> None:
    team = Team(world)
    event = invite(world, team["owner"])
    feed = write(world, team["owner"])

    def refused(**fields: Any) -> set[str]:
        return faults(send(team, "member", team.general, "come", **fields))

    for event_id in (None, str(uuid4()), feed["id"]):
        assert refused(type="event_invite", event_id=event_id) == {"event_id"}
    assert refused(event_id=event["id"]) == {"event_id"}, "nothing else is an invitation"
    assert (
        send(team, "member", team.general, " ", type="event_invite", event_id=event["id"]).status_code == 422
    )
    block(world, team["owner"], team["member"])
    assert refused(type="event_invite", event_id=event["id"]) == {"event_id"}


def test_a_repeated_one_is_answered_with_the_first(world: World) -> None:
    team = Team(world)
    event = invite(world, team["owner"], title="Kites")
    body = {
        "client_msg_id": str(uuid4()), "type": "event_invite", "text": "come", "event_id": event["id"],
    }  # fmt: skip
    path = f"/api/v1/channels/{team.general}/messages"
    first = world.post(path, team["member"], body)
    world.request("PUT", f"/api/v1/posts/{event['id']}", team["owner"], data={"title": "Other"})
    again = world.post(path, team["member"], body)
    assert (first.status_code, again.status_code, again.json()["duplicate"]) == (201, 200, True)
    assert again.json()["event"] == first.json()["event"]


@pytest.mark.parametrize("forged", [{}, {"title": "Free bread", "starts_at": "2020-01-01T00:00:00Z"}])
def test_in_a_private_conversation_what_the_client_says_of_it_does_not_count(
    world: World, forged: dict[str, str]
) -> None:
    amina, karim = world.person(), world.person()
    dm, event = made(world, amina, karim), invite(world, amina, title="Kites")
    body = {"type": "event_invite", "text": "come", "data": {"event_id": event["id"], **forged}}
    answer = world.post(of(dm), amina, body)
    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    assert (data["event_id"], data["title"]) == (event["id"], "Kites")
    assert data["starts_at"] > "2021"
    assert "place" in data
    assert faults(world.post(of(dm), amina, {**body, "data": {}})) == {"event_id"}
    assert faults(world.post(of(dm), amina, {"type": "event_invite", "text": "come"})) == {"event_id"}
