"""Files whose bytes are put at an address: what the ticket lets its bearer do, and completing."""

import hashlib
from typing import Any

import httpx
import pytest

from majlis.features.attachments import service as attachments
from majlis.features.attachments.model import MAX_BYTES
from majlis.kit.me import Me
from tests.features.discussions.talk import history
from tests.features.files.shelf import PDF, age, picture, status, used
from tests.features.media.uploads import names
from tests.features.workspaces.team import Team
from tests.world import World

SHA256 = hashlib.sha256(PDF).hexdigest()


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def start(team: Team, who: str, channel: str, **fields: Any) -> httpx.Response:
    body = {"name": "plan.pdf", "size": len(PDF), "mime_type": "text/html", **fields}
    return team.request("POST", f"/api/v1/channels/{channel}/uploads", who, json=body)


def ticket(team: Team, **fields: Any) -> dict[str, Any]:
    answer = start(team, "member", team.general, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def put(team: Team, ticket: dict[str, Any], data: bytes = PDF) -> httpx.Response:
    """Put bytes where the ticket says, without a token."""
    path = ticket["url"].removeprefix(team.world.app.settings.base_url())
    return team.world.request(ticket["method"], path, content=data, headers=ticket["headers"])


def complete(team: Team, who: str, ticket: dict[str, Any], **fields: Any) -> httpx.Response:
    return team.request("POST", f"/api/v1/uploads/{ticket['upload_id']}/complete", who, json=fields)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.rule("afrochat:R11", "afrochat:D6")
def test_bytes_come_by_the_ticket(team: Team) -> None:
    given = ticket(team, sha256=SHA256.upper())
    assert given["method"] == "PUT"
    assert code(complete(team, "member", given)) == (409, "not_uploaded")
    assert put(team, given).status_code == 204
    # Neither seen nor carried before it is complete.
    assert status(team, "member", given["upload_id"]) == (404, 404)
    answer = complete(team, "member", given, sha256=SHA256)
    assert answer.status_code == 200, answer.text
    file = answer.json()
    assert (file["id"], file["name"], file["mime_type"]) == (
        given["upload_id"],
        "plan.pdf",
        "application/pdf",
    )
    assert (file["size"], file["sha256"]) == (len(PDF), SHA256)
    assert complete(team, "member", given).json() == file
    assert status(team, "member", file["id"]) == (200, 200)
    assert status(team, "owner", file["id"]) == (404, 404)


def test_completing_can_share(team: Team) -> None:
    data = picture()
    given = ticket(team, size=len(data))
    put(team, given, data)
    for _ in range(2):
        assert complete(team, "member", given, share=True).status_code == 200
    (said,) = history(team, "owner", team.general)["data"]
    assert [one["id"] for one in said["files"]] == [given["upload_id"]]


@pytest.mark.rule("afrochat:D6")
def test_who_may_start(team: Team) -> None:
    roles = ("outsider", "guest", "member", "owner")
    assert [start(team, role, team.general).status_code for role in roles] == [404, 404, 201, 201]
    assert start(team, "member", team.lobby).status_code == 403
    for fields, field in (
        ({"name": ""}, "name"),
        ({"size": 0}, "size"),
        ({"sha256": "abc"}, "sha256"),
        ({"mime_type": "x" * 201}, "mime_type"),
        ({"client_file_id": ""}, "client_file_id"),
    ):
        answer = start(team, "member", team.general, **fields)
        assert [one["field"] for one in answer.json()["error"]["details"]] == [field]
    assert code(start(team, "member", team.general, size=MAX_BYTES + 1)) == (413, "file_too_large")


@pytest.mark.settings(workspace_files_mb=1)
def test_what_is_announced_takes_room(team: Team) -> None:
    given = ticket(team, size=1024 * 1024)
    assert code(start(team, "member", team.general, size=1)) == (413, "quota_exceeded")
    age(team, hours=2)
    assert team.world.go(attachments.sweep(team.world.app, Me.system)) == 1
    assert used(team) == 0
    assert put(team, given).status_code == 404
    assert complete(team, "member", given).status_code == 404


def test_only_the_ticket_s_bearer_puts(team: Team) -> None:
    given, other = ticket(team), ticket(team)
    path, _, query = given["url"].removeprefix(team.world.app.settings.base_url()).partition("?")
    foreign = other["url"].partition("?")[2]
    later = query.replace("expires=", "expires=9")
    for wrong in (foreign, later, query[:-1], ""):
        answer = team.world.request("PUT", f"{path}?{wrong}", content=PDF)
        assert answer.status_code in (404, 422), wrong
    assert names(team.world) == []
    assert put(team, given).status_code == 204


def test_bytes_are_those_that_were_announced(team: Team) -> None:
    given = ticket(team, sha256="0" * 64)
    answer = put(team, given)
    assert code(answer) == (422, "not_the_same")
    assert answer.json()["error"]["details"][0]["field"] == "sha256"
    given = ticket(team)
    assert put(team, given, PDF + b"x").status_code == 413
    assert code(put(team, given, PDF[:-1])) == (422, "not_the_same")
    assert put(team, given).status_code == 204  # it may be tried again until it is right
    assert code(put(team, given)) == (409, "upload_under_way")
    assert code(complete(team, "member", given, sha256="0" * 64)) == (422, "not_the_same")
    assert complete(team, "member", given).status_code == 200


def test_only_the_uploader_completes_and_only_who_may_still_write(team: Team) -> None:
    channel = team.channel("owner", "ovens", kind="private", member_ids=[str(team["member"].id)])
    given = start(team, "member", channel).json()
    assert put(team, given).status_code == 204
    for role in ("owner", "admin", "outsider"):
        assert complete(team, role, given).status_code == 404
    team.request("POST", f"/api/v1/channels/{channel}/leave", "member")
    assert complete(team, "member", given).status_code == 404


def test_a_key_is_one_upload(team: Team) -> None:
    first, again = ticket(team, client_file_id="k"), ticket(team, client_file_id="k")
    assert first["upload_id"] == again["upload_id"]
    put(team, first)
    assert code(start(team, "member", team.general, client_file_id="k")) == (409, "upload_under_way")
