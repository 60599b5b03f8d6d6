"""Paths in logs, without the secrets that stand in some."""

import pytest

from majlis.kit.http.veil import Veil


@pytest.fixture
def veil() -> Veil:
    found = Veil()
    for path in ("/hooks/{id}/{secret}", "/api/invites/{token}/accept", "/api/things/{id}", "/"):
        found.add(path)
    return found


@pytest.mark.parametrize(
    "path, shown",
    [
        ("/hooks/1/abc", "/hooks/1/•••"),
        ("/hooks/1/abc/more", "/hooks/1/•••"),
        ("/hooks/1/", "/hooks/1/•••"),
        ("//hooks/1/abc", "/hooks/1/•••"),
        ("/hooks//1//abc", "/hooks//1//•••"),
        ("/api/invites/abc", "/api/invites/•••"),
        ("/api/invites/abc/accept", "/api/invites/•••"),
        ("/hooks/1", "/hooks/1"),
        ("/hooks", "/hooks"),
        ("/api/invites", "/api/invites"),
        ("/api/things/abc", "/api/things/abc"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_paths_are_cut_where_a_secret_begins(veil: Veil, path: str, shown: str) -> None:
    assert veil.shown(path) == shown


def test_without_such_routes_every_path_is_shown() -> None:
    assert Veil().shown("/hooks/1/abc") == "/hooks/1/abc"
