"""Exports of workspaces, as tests ask for them and look into them."""

import io
import json
import zipfile
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.features.workspaces.team import Team


def ask(team: Team, who: str = "owner", **body: Any) -> httpx.Response:
    return team.request("POST", f"{team.path}/exports", who, json=body)


def asked(team: Team, who: str = "owner", **body: Any) -> str:
    """The id of an export that is made."""
    answer = ask(team, who, **body)
    assert answer.status_code == 202, answer.text
    team.world.drain()
    return str(answer.json()["id"])


def download(team: Team, who: str, export_id: str) -> httpx.Response:
    return team.request("GET", f"/api/v1/exports/{export_id}/download", who)


def link(team: Team, who: str, export_id: str) -> str:
    """The path that a download leads to."""
    answer = download(team, who, export_id)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    return f"{parts.path}?{parts.query}"


class Zip:
    """What is in a file."""

    def __init__(self, data: bytes) -> None:
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        assert self._zip.testzip() is None
        self.names = self._zip.namelist()

    def json(self, name: str) -> Any:
        return json.loads(self._zip.read(name))

    def bytes(self, name: str) -> bytes:
        return self._zip.read(name)

    def days(self, folder: str) -> list[str]:
        return sorted(name.rpartition("/")[2] for name in self.names if name.startswith(folder + "/"))

    def messages(self, folder: str) -> list[Any]:
        """All messages of a folder, day after day."""
        return [one for day in self.days(folder) for one in self.json(f"{folder}/{day}")]


def opened(team: Team, export_id: str, who: str = "owner") -> Zip:
    answer = team.world.get(link(team, who, export_id))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="workspace.zip"'
    return Zip(answer.content)


def exported(team: Team, **body: Any) -> Zip:
    return opened(team, asked(team, **body))
