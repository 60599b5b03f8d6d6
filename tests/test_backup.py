"""What `majlis backup` writes, `majlis restore` makes a server of."""

from pathlib import Path

import httpx

from tests.features.media.uploads import jpeg
from tests.servers import serving
from tests.test_cli import folder_of, majlis
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
