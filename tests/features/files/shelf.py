"""Files of channels, as tests upload, send and look at them."""

from typing import Any

import httpx

from tests.features.discussions.talk import said
from tests.features.media.uploads import jpeg
from tests.features.workspaces.team import Team

PDF = b"%PDF-1.7\n" + b"%\xe2\xe3\xcf\xd3\n" + b"x" * 500
PAGE = b"<!DOCTYPE html><script>alert(1)</script>"


def upload(
    team: Team, who: str, channel: str, data: bytes = PDF, name: str = "plan.pdf", type: str = "", **form: Any
) -> httpx.Response:
    part = (name, data, type) if type else (name, data)
    path = f"/api/v1/channels/{channel}/files"
    return team.request("POST", path, who, files={"file": part}, data=form)


def uploaded(team: Team, who: str, channel: str, data: bytes = PDF, **more: Any) -> dict[str, Any]:
    """A file that is stored."""
    answer = upload(team, who, channel, data, **more)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def shared(team: Team, who: str, channel: str, data: bytes = PDF, **more: Any) -> tuple[Any, Any]:
    """A file and the message that carries it."""
    file = uploaded(team, who, channel, data, **more)
    return file, said(team, who, channel, "look", file_ids=[file["id"]])


def content(team: Team, who: str, file_id: str, **options: Any) -> httpx.Response:
    return team.request("GET", f"/api/v1/files/{file_id}/content", who, **options)


def status(team: Team, who: str, file_id: str) -> tuple[int, int]:
    """How somebody is answered who asks for a file, and for its bytes."""
    about = team.request("GET", f"/api/v1/files/{file_id}", who)
    return about.status_code, content(team, who, file_id).status_code


def listed(team: Team, who: str, channel: str, **query: Any) -> list[str]:
    answer = team.request("GET", f"/api/v1/channels/{channel}/files", who, params=query)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["data"]]


def delete(team: Team, who: str, file_id: str) -> int:
    return team.request("DELETE", f"/api/v1/files/{file_id}", who).status_code


def picture(width: int = 64, height: int = 48) -> bytes:
    return jpeg(width, height)


def used(team: Team) -> int:
    """How many bytes the files of the workspace are counted with."""
    rows = team.world.sql("SELECT used FROM attachment_spaces WHERE id = $1::text::uuid", team.id)
    return int(rows[0]["used"]) if rows else 0


def age(team: Team, **interval: int) -> None:
    """Let the time pass for which files are kept that nothing carries."""
    team.world.sql(
        "UPDATE attachments SET kept_until = kept_until - make_interval(hours => $1)", interval["hours"]
    )
