"""Files in channels: who may upload, see, fetch and delete them, and what they turn out to be."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from majlis.features.attachments import service as attachments
from majlis.features.attachments.model import MAX_BYTES
from majlis.features.media import service as media
from majlis.kit import clock
from majlis.kit.me import Me
from tests.features.directs.test_directs import opened
from tests.features.discussions.talk import delete as unsay
from tests.features.discussions.talk import history, read, said, send
from tests.features.files.shelf import (
    PAGE,
    PDF,
    age,
    content,
    delete,
    listed,
    picture,
    shared,
    status,
    upload,
    uploaded,
    used,
)
from tests.features.media.uploads import folder, names, stored
from tests.features.posts.writing import block
from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.world import World

SEEN, UNSEEN = (200, 200), (404, 404)


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


# ---- uploading


@pytest.mark.rule("afrochat:R11", "afrochat:R12", "afrochat:D6")
def test_a_member_uploads_a_file(team: Team) -> None:
    file = uploaded(team, "member", team.general, name="../../etc/plan\u202e.pdf", type="text/html")
    assert file == {
        "id": file["id"], "channel_id": team.general, "uploader_id": str(team["member"].id), "name": "plan.pdf",
        "mime_type": "application/pdf", "kind": "document", "size": len(PDF),
        "sha256": hashlib.sha256(PDF).hexdigest(), "url": f"/api/v1/files/{file['id']}/content", "width": None,
        "height": None, "thumbnails": {}, "scan_status": "not_scanned", "created_at": file["created_at"],
    }  # fmt: skip
    (name,) = names(team.world)  # a name of ours, of which no client knows anything
    assert name.startswith("attachments/") and name.endswith("/original") and "plan" not in name
    assert (folder(team.world) / name).read_bytes() == PDF
    other = uploaded(team, "member", team.general)
    assert other["id"] != file["id"] and len(names(team.world)) == 2


@pytest.mark.rule("afrochat:D6")
@pytest.mark.parametrize(
    "data, name, type, mime_type, disposition",
    [
        (PDF, "a.html", "text/html", "application/pdf", "inline"),
        (PAGE, "a.png", "image/png", "text/plain", "attachment"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "image/svg+xml", "text/plain", "attachment"),
        (b"MZ\x90\0" + bytes(200), "a.pdf", "application/pdf", "application/x-msdownload", "attachment"),
        (bytes(40), "a.txt", "text/plain", "application/octet-stream", "attachment"),
        ("سلام".encode(), "a.bin", "", "text/plain", "attachment"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(99), "a.zip", "", "video/mp4", "inline"),
        (b"ID3\3\0\0\0\0\0\x21TSSE" + bytes(99), "a", "", "audio/mpeg", "inline"),
    ],
)
def test_what_a_file_is_its_bytes_say(
    team: Team, data: bytes, name: str, type: str, mime_type: str, disposition: str
) -> None:
    file, _ = shared(team, "member", team.general, data, name=name, type=type)
    assert file["mime_type"] == mime_type
    answer = content(team, "owner", file["id"])
    assert answer.content == data
    assert answer.headers["content-type"].partition(";")[0] == mime_type
    assert answer.headers["content-disposition"].startswith(f"{disposition}; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_name_cannot_break_out_of_its_header(team: Team) -> None:
    file, _ = shared(team, "member", team.general, name='a"; x=ű\r\nSet-Cookie: a.pdf')
    shown = content(team, "owner", file["id"]).headers["content-disposition"]
    plain, _, real = shown.partition("; filename*=UTF-8''")
    assert (
        plain.count('"') == 2
        and "Cookie: " not in plain.replace("_", " ")
        and set(real) & set('"; \r\n') == set()
    )


@pytest.mark.rule("afrochat:D6")
def test_a_picture_has_thumbnails(team: Team) -> None:
    file, message = shared(team, "member", team.general, picture(1500, 1000), name="sea.jpg")
    assert (file["mime_type"], file["kind"], file["width"], file["height"]) == (
        "image/jpeg",
        "image",
        1200,
        800,
    )
    assert list(file["thumbnails"]) == ["320", "1200"]
    for url in file["thumbnails"].values():
        answer = team.request("GET", url, "owner")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
        assert team.request("GET", url, "outsider").status_code == 404
        assert team.world.get(url).status_code == 401
    assert team.request("GET", file["url"] + "?thumbnail=7", "owner").status_code == 404
    (carried,) = message["files"]
    assert carried["thumbnail_url"] == file["thumbnails"]["320"]
    small = uploaded(team, "member", team.general, picture(64, 48))
    assert list(small["thumbnails"]) == ["64"]


def test_a_picture_that_cannot_be_read_is_a_file_all_the_same(team: Team) -> None:
    broken = picture()[:200]
    file = uploaded(team, "member", team.general, broken)
    assert (file["mime_type"], file["width"], file["thumbnails"]) == ("image/jpeg", None, {})
    assert content(team, "member", file["id"]).content == broken


@pytest.mark.rule("afrochat:D6")
def test_who_may_upload(team: Team) -> None:
    private = team.channel("owner", "ovens", kind="private")

    def ask(channel: str) -> dict[str, int]:
        roles = ("outsider", "guest", "member", "admin", "owner")
        return {role: upload(team, role, channel).status_code for role in roles}

    assert ask(team.general) == {"outsider": 404, "guest": 404, "member": 201, "admin": 201, "owner": 201}
    assert ask(private) == {"outsider": 404, "guest": 404, "member": 404, "admin": 404, "owner": 201}
    # A public channel can be read from outside, and not written in.
    assert ask(team.lobby) == {"outsider": 404, "guest": 201, "member": 403, "admin": 403, "owner": 201}
    change = {"posting_policy": "moderators"}
    team.request("PATCH", f"/api/v1/channels/{team.lobby}", "owner", json=change)
    answer = upload(team, "guest", team.lobby)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "read_only_channel")
    assert upload(team, "owner", team.lobby).status_code == 201
    team.request("POST", f"/api/v1/channels/{private}/archive", "owner")
    answer = upload(team, "owner", private)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "channel_archived")
    path = f"/api/v1/channels/{team.general}/files"
    assert team.world.post(path, files={"file": ("a", PDF)}).status_code == 401


def test_nobody_else_s_bytes_are_read(team: Team) -> None:
    """Whoever may not upload is told so before the file is looked at."""
    path = f"/api/v1/channels/{team.general}/files"
    headers = {"content-type": "multipart/form-data; boundary=x", "content-length": "9999999"}
    for role, expected in (("outsider", 404), ("member", 413)):
        answer = team.request(
            "POST", path, role, headers={**headers, "content-length": str(10**9)}, content=b"--x--"
        )
        assert answer.status_code == expected, answer.text


def test_bad_forms_are_refused(team: Team) -> None:
    path = f"/api/v1/channels/{team.general}/files"
    assert team.request("POST", path, "member", json={}).status_code == 415
    assert team.request("POST", path, "member").status_code == 400
    nothing = team.request("POST", path, "member", data={"share": "1"}, files={})
    assert nothing.status_code == 415
    headers = {"content-type": "multipart/form-data"}
    assert team.request("POST", path, "member", headers=headers, content=b"x").status_code == 400
    two = [("file", ("a", b"1")), ("file", ("b", b"2"))]
    assert team.request("POST", path, "member", files=two).status_code == 400
    for form, field in (({"share": "maybe"}, "share"), ({"client_file_id": "x" * 101}, "client_file_id")):
        answer = upload(team, "member", team.general, **form)
        assert answer.status_code == 422
        assert [one["field"] for one in answer.json()["error"]["details"]] == [field]
    empty = upload(team, "member", team.general, b"")
    assert (empty.status_code, empty.json()["error"]["code"]) == (422, "empty_file")
    assert names(team.world) == [] and team.world.sql("SELECT 1 FROM attachments") == []


@pytest.mark.rule("afrochat:D6")
def test_a_file_has_at_most_25_mib(team: Team) -> None:
    assert MAX_BYTES == 25 * 1024 * 1024
    beyond = upload(team, "member", team.general, bytes(MAX_BYTES + 1))
    assert (beyond.status_code, beyond.json()["error"]["code"]) == (413, "file_too_large")
    assert names(team.world) == [] and team.world.sql("SELECT 1 FROM attachments") == []
    assert uploaded(team, "member", team.general, bytes(MAX_BYTES))["size"] == MAX_BYTES


@pytest.mark.settings(workspace_files_mb=1)
def test_a_workspace_has_so_much_room(team: Team) -> None:
    half = bytes(512 * 1024)
    first = uploaded(team, "member", team.general, half)
    uploaded(team, "owner", team.general, half)
    over = upload(team, "member", team.general, b"x")
    assert (over.status_code, over.json()["error"]["code"]) == (413, "quota_exceeded")
    assert upload(team, "member", team.general, bytes(1024 * 1024 + 1)).status_code == 413
    other = Team(team.world)  # has room of its own
    uploaded(other, "member", other.general, half)
    assert delete(team, "member", first["id"]) == 204
    assert used(team) == len(half)
    uploaded(team, "member", team.general, b"x")


def test_a_key_is_one_file(team: Team) -> None:
    first = upload(team, "member", team.general, client_file_id="k1")
    again = upload(team, "member", team.general, client_file_id="k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert upload(team, "owner", team.general, client_file_id="k1").status_code == 201
    assert upload(team, "member", team.channel("member", "b"), client_file_id="k1").status_code == 201
    assert len(names(team.world)) == 3
    assert delete(team, "member", first.json()["id"]) == 204
    assert upload(team, "member", team.general, client_file_id="k1").status_code == 201


def test_a_file_that_cannot_be_stored_leaves_nothing(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*args: Any, **more: Any) -> None:
        raise OSError("no room")

    monkeypatch.setattr(team.world.app.files, "put_file", fail)
    assert upload(team, "member", team.general).status_code == 500
    assert team.world.sql("SELECT 1 FROM attachments") == [] and used(team) == 0
    monkeypatch.undo()
    assert upload(team, "member", team.general).status_code == 201


# ---- being carried


@pytest.mark.rule("afrochat:R11")
def test_a_message_shows_its_files(team: Team) -> None:
    file = uploaded(team, "member", team.general)
    message = said(team, "member", team.general, "", file_ids=[file["id"]])
    (carried,) = message["files"]
    assert carried == {**file, "thumbnail_url": None}
    assert read(team, "owner", message["id"])["files"] == [carried]
    assert history(team, "owner", team.general)["data"][-1]["files"] == [carried]
    log = team.request("GET", f"/api/v1/channels/{team.general}/events", "owner").json()["data"]
    assert log[-1]["data"]["message"]["files"] == [carried]


def test_a_message_carries_pictures_and_files_in_their_order(team: Team) -> None:
    first, last = uploaded(team, "member", team.general), uploaded(team, "member", team.general)
    (photo,) = stored(team.world, team["member"])
    message = said(team, "member", team.general, file_ids=[first["id"], photo.url, last["id"]])
    between = message["files"].pop(1)
    assert [one["url"] for one in message["files"]] == [first["url"], last["url"]]
    assert media.object_of(between["url"]) == photo.path
    assert "id" not in between
    assert unsay(team, "member", message["id"]) == 204
    assert status(team, "owner", first["id"]) == UNSEEN


@pytest.mark.rule("afrochat:D6")
def test_only_own_files_of_the_channel_can_be_carried(team: Team) -> None:
    elsewhere = uploaded(team, "member", team.channel("member", "elsewhere"))
    foreign = uploaded(team, "owner", team.general)
    mine = uploaded(team, "member", team.general)
    gone = uploaded(team, "member", team.general)
    assert delete(team, "member", gone["id"]) == 204
    for wrong in (elsewhere["id"], foreign["id"], gone["id"], str(team["member"].id)):
        answer = send(team, "member", team.general, file_ids=[mine["id"], wrong])
        assert answer.status_code == 422
        (fault,) = answer.json()["error"]["details"]
        assert (fault["field"], fault["code"]) == ("file_ids[1]", "unknown_file")
    assert send(team, "member", team.general, file_ids=[mine["id"]]).status_code == 201


def test_a_shared_file_is_a_message_of_its_own(team: Team) -> None:
    file = uploaded(team, "member", team.general, picture(), share="true")
    last = history(team, "owner", team.general)["data"][-1]
    assert (last["type"], last["text"], [one["id"] for one in last["files"]]) == ("image", "", [file["id"]])
    assert status(team, "owner", file["id"]) == SEEN


def test_a_shared_file_is_shared_once(team: Team) -> None:
    for _ in range(2):
        upload(team, "member", team.general, share="true", client_file_id="k")
    assert len(history(team, "owner", team.general)["data"]) == 1


# ---- seeing


@pytest.mark.rule("afrochat:D6")
def test_nobody_else_sees_a_file_before_a_message_carries_it(team: Team) -> None:
    file = uploaded(team, "member", team.general)
    assert status(team, "member", file["id"]) == SEEN
    for role in ("owner", "admin", "guest", "outsider"):
        assert status(team, role, file["id"]) == UNSEEN
    assert listed(team, "member", team.general) == []
    said(team, "member", team.general, file_ids=[file["id"]])
    for role in ("member", "owner", "admin"):
        assert status(team, role, file["id"]) == SEEN
        assert listed(team, role, team.general) == [file["id"]]
    for role in ("guest", "outsider"):
        assert status(team, role, file["id"]) == UNSEEN
        assert team.request("GET", f"/api/v1/channels/{team.general}/files", role).status_code == 404


@pytest.mark.rule("afrochat:D6")
def test_whoever_leaves_a_private_channel_sees_its_files_no_more(team: Team) -> None:
    private = team.channel("owner", "ovens", kind="private", member_ids=[str(team["member"].id)])
    file, _ = shared(team, "owner", private)
    own, _ = shared(team, "member", private)
    assert status(team, "member", file["id"]) == SEEN
    assert team.request("POST", f"/api/v1/channels/{private}/leave", "member").status_code == 204
    assert status(team, "member", file["id"]) == UNSEEN
    assert status(team, "member", own["id"]) == UNSEEN
    assert status(team, "admin", own["id"]) == UNSEEN


def test_a_file_is_fetched_in_parts(team: Team) -> None:
    file, _ = shared(team, "member", team.general)
    part = content(team, "owner", file["id"], headers={"range": "bytes=0-4"})
    assert (part.status_code, part.content) == (206, b"%PDF-")
    assert part.headers["content-range"] == f"bytes 0-4/{len(PDF)}"
    assert content(team, "owner", file["id"], headers={"range": "bytes=9999-"}).status_code == 416
    whole = content(team, "owner", file["id"])
    etag = {"if-none-match": whole.headers["etag"]}
    assert content(team, "owner", file["id"], headers=etag).status_code == 304
    assert content(team, "outsider", file["id"], headers=etag).status_code == 404
    head = team.request("HEAD", f"/api/v1/files/{file['id']}/content", "owner")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(PDF)))


def test_files_are_listed_by_kind_and_page(team: Team) -> None:
    files = [shared(team, "member", team.general)[0]["id"] for _ in range(3)]
    photo = shared(team, "member", team.general, picture())[0]["id"]
    files.reverse()
    assert listed(team, "owner", team.general) == [photo, *files]
    assert listed(team, "owner", team.general, kind="image") == [photo]
    assert listed(team, "owner", team.general, kind="document") == files
    assert listed(team, "owner", team.general, kind="video") == []
    path = f"/api/v1/channels/{team.general}/files"
    assert team.request("GET", path, "owner", params={"kind": "x"}).status_code == 422
    page = team.request("GET", path, "owner", params={"limit": 2}).json()
    rest = team.request("GET", path, "owner", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert [one["id"] for one in page["data"] + rest["data"]] == [photo, *files]
    assert rest["next_cursor"] is None
    page = team.request("GET", path, "owner", params={"offset": 1}).json()
    assert (page["total"], [one["id"] for one in page["data"]]) == (4, files)


def test_a_list_runs_a_constant_number_of_statements(team: Team) -> None:
    path = f"/api/v1/channels/{team.general}/files"
    seen = []
    for _ in range(3):
        shared(team, "member", team.general)
        with counted(team.world) as statements:
            team.request("GET", path, "owner")
        seen.append(len(statements))
    assert len({*seen}) == 1


def test_messages_without_files_run_no_more_statements(team: Team) -> None:
    with counted(team.world) as statements:
        said(team, "member", team.general)
    assert [one for one in statements if "attachments" in one or "message_files" in one] == []


# ---- going


@pytest.mark.rule("afrochat:R11")
def test_a_deleted_file_leaves_a_mark_in_its_messages(team: Team) -> None:
    file, message = shared(team, "member", team.general)
    kept = uploaded(team, "member", team.general)
    other = said(team, "member", team.general, "both", file_ids=[kept["id"], file["id"]])
    assert [delete(team, role, file["id"]) for role in ("outsider", "guest")] == [404, 404]
    third = team.world.person("Third")
    team.come(third)
    assert team.world.delete(f"/api/v1/files/{file['id']}", third).status_code == 403
    before = team.request("GET", f"/api/v1/channels/{team.general}", "owner").json()["last_seq"]
    assert delete(team, "admin", file["id"]) == 204
    assert delete(team, "admin", file["id"]) == 404
    (mark,) = read(team, "owner", message["id"])["files"]
    assert (
        mark["id"] == file["id"]
        and mark["deleted_at"]
        and (mark["url"], mark["name"], mark["size"]) == ("", "", 0)
    )
    assert [one.get("deleted_at") is None for one in read(team, "owner", other["id"])["files"]] == [
        True,
        False,
    ]
    for role in ("member", "owner"):
        assert status(team, role, file["id"]) == UNSEEN
    assert listed(team, "owner", team.general) == [kept["id"]]
    assert len(names(team.world)) == 1 and used(team) == len(PDF)
    log = team.request(
        "GET", f"/api/v1/channels/{team.general}/events", "owner", params={"after_seq": before}
    )
    told = [(one["type"], one["data"]["message"]["id"]) for one in log.json()["data"]]
    assert told == [("message.updated", message["id"]), ("message.updated", other["id"])]


def test_a_file_of_an_archived_channel_stays(team: Team) -> None:
    file, _ = shared(team, "owner", team.lobby)
    team.request("POST", f"/api/v1/channels/{team.lobby}/archive", "owner")
    assert delete(team, "owner", file["id"]) == 409
    assert status(team, "owner", file["id"]) == SEEN


def test_a_deleted_message_takes_its_file_with_it(team: Team) -> None:
    file, message = shared(team, "member", team.general)
    twice = said(team, "member", team.general, file_ids=[file["id"]])
    assert unsay(team, "member", message["id"]) == 204
    assert status(team, "owner", file["id"]) == SEEN  # another one carries it
    assert unsay(team, "member", twice["id"]) == 204
    assert status(team, "owner", file["id"]) == UNSEEN
    age(team, hours=25)
    assert team.world.go(attachments.sweep(team.world.app, Me.system)) == 1
    assert names(team.world) == [] and used(team) == 0
    assert status(team, "member", file["id"]) == UNSEEN


def test_what_is_never_used_is_swept(team: Team) -> None:
    used_one, _ = shared(team, "member", team.general)
    uploaded(team, "member", team.general)
    app = team.world.app
    assert team.world.go(attachments.sweep(app, Me.system)) == 0
    age(team, hours=23)
    assert team.world.go(attachments.sweep(app, Me.system)) == 0
    age(team, hours=2)
    assert team.world.go(attachments.sweep(app, Me.system)) == 1
    assert status(team, "owner", used_one["id"]) == SEEN
    assert len(names(team.world)) == 1 and used(team) == len(PDF)


# ---- direct conversations


def test_files_in_direct_conversations(team: Team) -> None:
    chat = opened(team, "member", "admin")
    file, _ = shared(team, "member", chat)
    assert status(team, "admin", file["id"]) == SEEN
    assert listed(team, "admin", chat) == [file["id"]]
    for role in ("owner", "guest", "outsider"):
        assert status(team, role, file["id"]) == UNSEEN
        assert upload(team, role, chat).status_code == 404
    assert delete(team, "admin", file["id"]) == 403  # nobody moderates what two people say
    block(team.world, team["admin"], team["member"])
    assert upload(team, "member", chat).status_code == 403
    assert delete(team, "member", file["id"]) == 204


def test_a_message_that_waits_keeps_its_file(team: Team) -> None:
    kept, loose = uploaded(team, "member", team.general), uploaded(team, "member", team.general)
    at = (clock.now() + timedelta(days=3)).isoformat()
    body = {"text": "later", "post_at": at, "file_ids": [kept["id"]]}
    path = f"/api/v1/channels/{team.general}/scheduled_messages"
    assert team.request("POST", path, "member", json=body).status_code == 201
    assert team.request("POST", path, "owner", json=body).status_code == 422  # it is not theirs
    with clock.shifted(timedelta(days=2)):
        assert team.world.go(attachments.sweep(team.world.app, Me.system)) == 1
    assert status(team, "member", kept["id"]) == SEEN
    assert status(team, "member", loose["id"]) == UNSEEN
