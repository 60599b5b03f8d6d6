"""What `majlis backup` writes, `majlis restore` makes a server of."""

from pathlib import Path

import httpx

from tests.features.media.uploads import jpeg
from tests.servers import serving
from tests.test_cli import folder_of, majlis
from tests.vendors.test_files import BUCKET, request
from tests.vendors.test_files import s3_port as s3_port
from tests.world import PASSWORD


def test_a_restored_server_knows_everybody_and_has_their_pictures(scratch: Path) -> None:
    person = {"email": "amina@example.org", "password": PASSWORD}
    kept = scratch / "kept"
    with serving(scratch / "saved") as server:
        opened = httpx.post(f"{server.url}/api/v1/auth/register", json=person)
        assert opened.status_code == 201
        auth = {"Authorization": f"Bearer {opened.json()['access_token']}"}
        posted = httpx.post(
            f"{server.url}/api/v1/posts",
            headers=auth,
            data={"type": "FEED", "description": "Fresh bread"},
            files={"images": ("bread.jpg", jpeg(), "image/jpeg")},
        )
        assert posted.status_code == 201, posted.text
        address = posted.json()["attachments"][0]["photo"]["url"]
        picture = httpx.get(address, headers=auth).content
        assert "files: 2" in majlis(folder_of(server), "backup", str(kept))
        assert "name a new folder" in majlis(folder_of(server), "backup", str(kept), code=2)
        assert "not empty" in majlis(folder_of(server), "restore", str(kept), code=1)
        assert {
            path.stat().st_mode & 0o077 for path in (kept, kept / "database.dump", kept / "secret_key")
        } == {0}

    fresh = scratch / "restored"
    assert "no backup" in majlis(fresh, "restore", str(scratch), code=2)
    majlis(fresh, "restore", str(kept))
    with serving(fresh) as server:
        # The token is good, too: it was signed with the key that came along.
        (found,) = httpx.get(f"{server.url}/api/v1/posts", headers=auth).json()["data"]
        assert found["description"] == "Fresh bread"
        place = httpx.URL(found["attachments"][0]["photo"]["url"]).raw_path.decode()
        assert httpx.get(server.url + place, headers=auth).content == picture
        assert httpx.post(f"{server.url}/api/v1/auth/login", json=person).status_code == 200


def test_pictures_move_from_a_folder_into_a_bucket(scratch: Path, s3_port: int) -> None:
    """By `majlis upload` beside the server, and by `majlis restore` where the settings name a bucket."""
    bucket = {
        "MAJLIS_S3_BUCKET": BUCKET,
        "MAJLIS_S3_ENDPOINT": f"http://127.0.0.1:{s3_port}",
        "MAJLIS_S3_KEY": "key",
        "MAJLIS_S3_SECRET": "secret",
    }
    saved, kept = scratch / "folder", scratch / "folder-kept"
    with serving(saved) as server:
        person = {"email": "amina@example.org", "password": PASSWORD}
        token = httpx.post(f"{server.url}/api/v1/auth/register", json=person).json()["access_token"]
        auth = {"Authorization": f"Bearer {token}"}
        upload = {"file": ("bread.jpg", jpeg(), "image/jpeg")}
        stored = httpx.post(f"{server.url}/api/v1/upload/post", headers=auth, files=upload)
        assert stored.status_code == 201, stored.text
        place = httpx.URL(stored.json()["url"]).raw_path.decode()
        picture = httpx.get(server.url + place).content
        assert "name no bucket" in majlis(saved, "upload", code=2)
        assert "2 copied, 0 were there, 0 are nobody's" in majlis(saved, "upload", **bucket)
        majlis(folder_of(server), "backup", str(kept))
    (saved / "files").rename(saved / "files.before")
    with serving(saved, **bucket) as server:
        assert httpx.get(server.url + place).content == picture

    fresh = scratch / "bucket"
    (kept / "files" / "other").mkdir()
    (kept / "files" / "other" / "one.webp").write_bytes(picture)
    assert request(s3_port, "DELETE", place.replace("/media/", f"/{BUCKET}/"))[0] == 204
    assert "1 copied, 1 were there, 1 are nobody's" in majlis(fresh, "restore", str(kept), **bucket)
    with serving(fresh, **bucket) as server:
        assert httpx.get(server.url + place).content == picture
