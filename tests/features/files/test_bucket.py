"""Files in a bucket: they are fetched there, by an address that is good for a minute."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from majlis.cli.files import into_bucket
from majlis.features.media import service as media
from majlis.vendors.files import from_settings
from tests.features.files.shelf import PAGE, PDF, content, delete, picture, shared
from tests.features.workspaces.team import Team
from tests.vendors.test_files import BUCKET, request, s3_settings
from tests.vendors.test_files import s3_port as s3_port
from tests.world import World


@pytest.fixture
def team(world: World, s3_port: int, tmp_path: Path) -> Iterator[Team]:
    team, local = Team(world), world.app.files
    world.app.files = from_settings(s3_settings(s3_port))
    yield team
    world.app.files = local


@pytest.mark.rule("afrochat:R12")
def test_bytes_come_from_the_bucket(team: Team, s3_port: int) -> None:
    for data, type, begins in ((PDF, "application/pdf", "inline"), (PAGE, "text/plain", "attachment")):
        file, _ = shared(team, "member", team.general, data)
        answer = content(team, "owner", file["id"])
        assert (answer.status_code, answer.headers["cache-control"]) == (302, "private, no-store")
        parts = urlsplit(answer.headers["location"])
        assert 0 < int(parse_qs(parts.query)["X-Amz-Expires"][0]) <= 60
        status, headers, body = request(s3_port, "GET", f"{parts.path}?{parts.query}")
        assert (status, body, headers["content-type"]) == (200, data, type)
        assert headers["content-disposition"].startswith(f"{begins}; ")
        assert content(team, "outsider", file["id"]).status_code == 404
        assert delete(team, "member", file["id"]) == 204
        assert request(s3_port, "GET", f"{parts.path}?{parts.query}")[0] == 404


def test_thumbnails_come_from_the_bucket(team: Team, s3_port: int) -> None:
    file, _ = shared(team, "member", team.general, picture())
    (url,) = file["thumbnails"].values()
    answer = team.request("GET", url, "owner")
    parts = urlsplit(answer.headers["location"])
    status, headers, _ = request(s3_port, "GET", f"{parts.path}?{parts.query}")
    assert (status, headers["content-type"]) == (200, "image/webp")


def test_files_of_the_folder_move_into_the_bucket(world: World, s3_port: int) -> None:
    """Each is served as before. What is there whole is left alone; a write in progress is none."""
    team, local = Team(world), world.app.files
    folder = world.app.settings.data_path() / "files"
    page, _ = shared(team, "member", team.general, PAGE, name="صفحه.html")
    photo, _ = shared(team, "member", team.general, picture())
    gone, _ = shared(team, "member", team.general, PDF)
    before = content(team, "owner", page["id"])
    (half := folder / "00" / "half#1").parent.mkdir(exist_ok=True)
    half.write_bytes(b"half")
    assert world.sql(
        "UPDATE attachments SET removed_at = now() WHERE id = $1::text::uuid RETURNING 1", gone["id"]
    )

    def moved() -> list[int]:
        """How many were copied, and how many were there; others of this folder are nobody's."""
        said = re.fullmatch(
            r"files: (\d+) copied, (\d+) were there, [1-9]\d* are nobody's",
            world.go(into_bucket(world.app, folder)),
        )
        assert said is not None
        return [int(number) for number in said.groups()]

    world.app.files = remote = from_settings(s3_settings(s3_port))
    try:
        assert moved() == [3, 0]  # the page, the photo and its thumbnail
        assert moved() == [0, 3]
        (row,) = world.sql("SELECT object FROM attachments WHERE name LIKE '%.html'")
        world.go(remote.put(f"{row['object']}/original", b"short", content_type="text/plain"))
        assert moved() == [1, 2]
        for address, kind in (
            (f"/api/v1/files/{page['id']}/content", "text/plain"),
            (f"/api/v1/files/{photo['id']}/content", "image/jpeg"),
            (next(iter(photo["thumbnails"].values())), "image/webp"),
        ):
            parts = urlsplit(team.request("GET", address, "owner").headers["location"])
            status, headers, body = request(s3_port, "GET", f"{parts.path}?{parts.query}")
            assert (status, headers["content-type"]) == (200, kind)
            if address.startswith(f"/api/v1/files/{page['id']}"):
                assert body == PAGE
                assert headers["content-disposition"] == before.headers["content-disposition"]
    finally:
        world.app.files = local


def test_what_was_deleted_does_not_come_back_with_an_old_folder(world: World, s3_port: int) -> None:
    amina = world.person()
    kept, deleted = (
        world.post("/api/v1/upload/post", amina, files={"file": ("a.jpg", picture(), "image/jpeg")}).json()
        for _ in range(2)
    )
    folder, local = world.app.settings.data_path() / "files", world.app.files
    world.app.files = from_settings(s3_settings(s3_port))
    try:
        assert (
            world.delete(f"/api/v1/upload/{deleted['url'].partition('/media/')[2]}", amina).status_code == 204
        )
        world.drain()
        world.go(into_bucket(world.app, folder))
        for photo, found in ((kept, True), (deleted, False)):
            path = photo["url"].partition("/media/")[2]
            for key in (path, media.thumbnail_of(path)):
                assert (request(s3_port, "HEAD", f"/{BUCKET}/{key}")[0] == 200) is found
    finally:
        world.app.files = local
