"""Messages of a channel, as tests send them."""

from typing import Any
from uuid import uuid4

import httpx

from tests.features.workspaces.team import Team


def send(team: Team, who: str, channel: str, text: str = "salaam", **fields: Any) -> httpx.Response:
    """The answer to a message under a new key."""
    body = {"client_msg_id": str(uuid4()), "text": text, **fields}
    return team.world.post(f"/api/v1/channels/{channel}/messages", team[who], body)


def said(team: Team, who: str, channel: str, text: str = "salaam", **fields: Any) -> dict[str, Any]:
    """A message that is stored."""
    answer = send(team, who, channel, text, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def history(team: Team, who: str, channel: str, **query: Any) -> dict[str, Any]:
    answer = team.world.get(f"/api/v1/channels/{channel}/messages", team[who], params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def texts(team: Team, who: str, channel: str, **query: Any) -> list[str]:
    return [one["text"] for one in history(team, who, channel, **query)["data"]]


def place(team: Team, who: str, channel: str) -> dict[str, Any]:
    """What somebody is told of their place in a channel."""
    return dict(team.world.get(f"/api/v1/channels/{channel}", team[who]).json()["me"])


def read(team: Team, who: str, message_id: str) -> dict[str, Any]:
    """A message as somebody sees it."""
    answer = team.request("GET", f"/api/v1/messages/{message_id}", who)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def delete(team: Team, who: str, message_id: str) -> int:
    return team.request("DELETE", f"/api/v1/messages/{message_id}", who).status_code


def react(team: Team, who: str, message_id: str, emoji: str) -> int:
    return team.request("PUT", f"/api/v1/messages/{message_id}/reactions/{emoji}", who).status_code


def unreact(team: Team, who: str, message_id: str, emoji: str) -> int:
    return team.request("DELETE", f"/api/v1/messages/{message_id}/reactions/{emoji}", who).status_code
