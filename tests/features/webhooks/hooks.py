"""Incoming webhooks, as tests make and use them."""

from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.features.workspaces.team import Team


def make(team: Team, who: str, channel: str | None = None, **fields: Any) -> httpx.Response:
    body = {"channel_id": channel or team.lobby, "display_name": "Oven watch", **fields}
    return team.request("POST", f"{team.path}/incoming_webhooks", who, json=body)


def made(team: Team, who: str = "member", channel: str | None = None, **fields: Any) -> dict[str, Any]:
    """A webhook with its address."""
    answer = make(team, who, channel or team.general, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def listed(team: Team, who: str) -> list[Any]:
    answer = team.request("GET", f"{team.path}/incoming_webhooks", who)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def remove(team: Team, who: str, webhook: dict[str, Any]) -> int:
    return team.request("DELETE", f"/api/v1/incoming_webhooks/{webhook['id']}", who).status_code


def path_of(webhook: dict[str, Any]) -> str:
    return str(urlsplit(webhook["url"]).path)


def post(team: Team, webhook: dict[str, Any], payload: Any = None, **options: Any) -> tuple[int, str]:
    """The answer to a payload: status and word."""
    if payload is not None:
        options["json"] = payload
    answer = team.world.request("POST", path_of(webhook), **options)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8", answer.text
    return answer.status_code, answer.text


OK = (200, "ok")
