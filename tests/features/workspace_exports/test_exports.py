"""Zips of workspaces: who may have what, what is in them and what is not, and when they end."""

import asyncio
import re
import tracemalloc
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from majlis.features.membership import handlers as membership
from majlis.features.workspace_exports import handlers, model, service, store
from majlis.kit import clock, ids
from majlis.kit.errors import Unavailable
from majlis.kit.me import Me
from tests.features.discussions.talk import delete, react, said
from tests.features.files.shelf import PDF, shared
from tests.features.media.uploads import names, stored
from tests.features.queries import counted
from tests.features.webhooks.hooks import OK, made, post
from tests.features.workspace_exports.zips import ask, asked, download, exported, link, opened
from tests.features.workspaces.team import Team
from tests.world import World

SECRETS = ("in-secret", "in-dm", "in-group")


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def talk(team: Team) -> dict[str, Any]:
    """Something said in each kind of room."""
    secret = team.channel("owner", "secret", kind="private", member_ids=[str(team["member"].id)])
    rooms = {"secret": secret}
    for name, people in (("dm", ["admin"]), ("group", ["admin", "owner"])):
        body = {"user_ids": [str(team[who].id) for who in people]}
        answer = team.request("POST", f"{team.path}/dms", "member", json=body)
        assert answer.is_success, answer.text
        rooms[name] = answer.json()["id"]
    for name, room in rooms.items():
        said(team, "member", room, f"in-{name}")
    said(team, "member", team.general, "in-general")
    return rooms


def status(team: Team, export_id: str) -> str:
    listed = team.request("GET", f"{team.path}/exports", "owner").json()["data"]
    return str(next(one["status"] for one in listed if one["id"] == export_id))


def zips(team: Team) -> list[str]:
    """The files of exports that are stored."""
    return [name for name in names(team.world) if name.startswith("workspace-exports/")]


# ---- who may


def test_public_is_for_admins_and_all_for_the_owner(team: Team) -> None:
    answers = team.ask("POST", f"{team.path}/exports", json={"scope": "all"})
    assert answers == {"outsider": 404, "guest": 403, "member": 403, "admin": 403, "owner": 202}
    team.world.drain()
    answers = {who: ask(team, who).status_code for who in ("outsider", "guest", "member", "admin")}
    assert answers == {"outsider": 404, "guest": 403, "member": 403, "admin": 202}
    listed = team.ask("GET", f"{team.path}/exports")
    assert listed == {"outsider": 404, "guest": 403, "member": 403, "admin": 200, "owner": 200}


@pytest.mark.parametrize(
    "body, field",
    [
        ({"scope": "private"}, "scope"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to"),
        ({"to": "2026-01-01T00:00:00"}, "to"),
        ({"include_files": "yes"}, "include_files"),
        ({"status": "done"}, "status"),
    ],
)
def test_bad_fields_are_named(team: Team, body: dict[str, Any], field: str) -> None:
    answer = ask(team, **body)
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["error"]["details"]] == [field]


def test_only_who_asked_and_the_owner_fetch_it(team: Team) -> None:
    export_id = asked(team, "admin")
    team.come(other := team.world.person("Other"))
    team.people["other"] = other
    team.set_role("other", "admin")
    answers = {
        who: download(team, who, export_id).status_code for who in ("outsider", "guest", "member", "other")
    }
    assert answers == {"outsider": 404, "guest": 404, "member": 404, "other": 404}
    assert (
        download(team, "admin", export_id).status_code
        == download(team, "owner", export_id).status_code
        == 302
    )
    team.set_role("admin", "member")
    assert download(team, "admin", export_id).status_code == 403
    assert download(team, "owner", str(ids.new())).status_code == 404
    noted = team.world.sql(
        "SELECT actor_id FROM audit_entries WHERE action = 'export_download' ORDER BY created_at"
    )
    assert [one["actor_id"] for one in noted] == [team["admin"].id, team["owner"].id]


def test_asking_is_noted_and_for_everything_the_members_are_told(team: Team) -> None:
    def told(who: str) -> list[str]:
        data = team.world.get("/api/v1/notifications", team[who]).json()["data"]
        return [one["title"] for one in data if one["type"] == "SYSTEM"]

    asked(team, "owner", scope="public")
    assert (told("member"), told("owner")) == ([], ["The export is ready"])
    asked(team, "owner", scope="all")
    for who in ("admin", "member", "guest"):
        assert told(who) == ["Your workspace is exported"]
    assert (told("outsider"), told("owner")) == ([], ["The export is ready"] * 2)
    noted = team.world.sql("SELECT data FROM audit_entries WHERE action = 'export' ORDER BY created_at")
    assert [one["data"]["scope"] for one in noted] == ["public", "all"]


def test_one_at_a_time(clone: World) -> None:
    team = Team(clone)

    async def race() -> list[int]:
        asking = (
            clone.http.post(f"{team.path}/exports", headers=team["owner"].auth, json={}) for _ in range(4)
        )
        return sorted(answer.status_code for answer in await asyncio.gather(*asking))

    assert clone.go(race()) == [202, 409, 409, 409]
    clone.drain()
    assert ask(team).status_code == 202


# ---- what is in it


def test_public_channels_and_nothing_else(team: Team) -> None:
    talk(team)
    found = exported(team, scope="public")
    assert {one["name"] for one in found.json("channels.json")} == {"general", "lobby"}
    assert [found.json(f"{name}.json") for name in ("groups", "dms", "mpims")] == [[], [], []]
    assert [one["text"] for one in found.messages("general")] == ["in-general"]
    for name in found.names:
        assert not any(secret.encode() in found.bytes(name) for secret in SECRETS)
    assert "secret" not in str(found.names)


def test_everything_for_the_owner_also_what_they_are_not_in(team: Team) -> None:
    rooms = talk(team)
    found = exported(team, scope="all")
    (group,) = found.json("groups.json")
    assert (group["id"], group["name"]) == (rooms["secret"], "secret")
    (dm,), (mpim,) = found.json("dms.json"), found.json("mpims.json")
    assert (dm["id"], mpim["id"]) == (rooms["dm"], rooms["group"])
    assert dm["members"] == sorted(str(team[who].id) for who in ("admin", "member"))
    for folder_name, text in (("secret", "in-secret"), (rooms["dm"], "in-dm"), (rooms["group"], "in-group")):
        assert [one["text"] for one in found.messages(folder_name)] == [text]


def test_people_are_shown_as_in_the_workspace(team: Team) -> None:
    assert team.world.put("/api/v1/users/me/privacy-settings", team["member"], {}).status_code in (
        200,
        404,
        405,
    )
    team.world.sql("UPDATE profiles SET hides = 1 WHERE id = $1", team["member"].id)
    assert post(team, made(team), {"text": "a"}) == OK
    team.request("DELETE", f"{team.path}/members/{team['guest'].id}", "guest")
    users = {one["id"]: one for one in exported(team).json("users.json")}
    owner, member = users[str(team["owner"].id)], users[str(team["member"].id)]
    assert (owner["real_name"], owner["is_owner"], owner["is_admin"]) == ("Owner Test", True, True)
    assert (member["real_name"], member["name"], member["is_admin"]) == ("M", "membertest", False)
    assert users[str(team["guest"].id)]["deleted"] is True
    (bot,) = [one for one in users.values() if one["is_bot"]]
    assert len(users) == 5 and bot["name"] == "bot"
    assert "@example.org" not in str(users)


def test_messages_are_in_slacks_shape(team: Team) -> None:
    root = said(team, "owner", team.general, "a < b & c")
    reply = said(team, "member", team.general, "answer", thread_root_id=root["id"], also_in_channel=True)
    react(team, "member", root["id"], "bread")
    react(team, "guest", root["id"], "bread")
    react(team, "owner", root["id"], "bread")
    team.request("PATCH", f"/api/v1/messages/{reply['id']}", "member", json={"text": "better answer"})
    team.request("PUT", f"/api/v1/channels/{team.general}/pins/{root['id']}", "owner")
    team.request("PUT", f"/api/v1/channels/{team.general}/topic", "owner", json={"topic": "rye"})
    hook = made(team)
    post(team, hook, {"text": "hot", "icon_emoji": ":fire:"})
    first, second, system, bot = exported(team).messages("general")
    owner, member = str(team["owner"].id), str(team["member"].id)
    assert first == {
        "type": "message", "user": owner, "ts": root["ts"], "thread_ts": root["ts"], "reply_count": 1,
        "latest_reply": reply["ts"], "client_msg_id": root["client_msg_id"], "text": "a &lt; b &amp; c",
        "pinned_to": [team.general], "reactions": [{"name": "bread", "users": [member, owner], "count": 2}],
    }  # fmt: skip
    assert re.fullmatch(r"\d+\.\d{6}", second["edited"].pop("ts"))
    assert second == {
        "type": "message", "user": member, "ts": reply["ts"], "thread_ts": root["ts"], "parent_user_id": owner,
        "client_msg_id": reply["client_msg_id"], "text": "better answer", "subtype": "thread_broadcast",
        "edited": {"user": member},
    }  # fmt: skip
    assert (system["subtype"], system["text"]) == ("system", "set the topic: rye")
    assert (bot["subtype"], bot["username"], bot["bot_id"], bot["icons"]) == (
        "bot_message", "Oven watch", hook["id"], {"emoji": "fire"},
    )  # fmt: skip


def test_what_is_deleted_says_nothing(team: Team) -> None:
    gone, root = said(team, "owner", team.general, "in-secret"), said(team, "owner", team.general, "in-dm")
    said(team, "member", team.general, "answer", thread_root_id=root["id"])
    for one in (gone, root):
        assert delete(team, "owner", one["id"]) == 204
    found = exported(team)
    tomb, reply = found.messages("general")
    assert (tomb["subtype"], tomb["ts"], reply["thread_ts"]) == ("tombstone", root["ts"], root["ts"])
    assert not any(secret.encode() in found.bytes(name) for name in found.names for secret in SECRETS)


def test_a_file_for_each_day_between_two_moments(team: Team) -> None:
    now = clock.now()
    for text, days_ago in (("first", 3), ("second", 2), ("also second", 2), ("today", 0)):
        message = said(team, "owner", team.general, text)
        team.world.sql(
            "UPDATE messages SET created_at = $2 WHERE id = $1::uuid",
            message["id"],
            now - timedelta(days=days_ago),
        )
    stored = team.world.sql(
        "SELECT DISTINCT (created_at AT TIME ZONE 'UTC')::date AS day FROM messages ORDER BY 1"
    )
    days = [f"{one['day']}.json" for one in stored]
    assert len(days) == 3
    found = exported(team)
    assert found.days("general") == days
    assert [one["text"] for one in found.json(f"general/{days[1]}")] == ["second", "also second"]
    since, before = (now - timedelta(days=2, hours=1)).isoformat(), (now - timedelta(days=1)).isoformat()
    some = exported(team, **{"from": since, "to": before})
    assert some.days("general") == [days[1]]
    team.set(retention_days=1)
    assert exported(team).days("general") == [days[2]]


def test_names_of_rooms_lead_nowhere_else(team: Team) -> None:
    for number, name in enumerate(["../../etc", "a/b", "a_b", "c:\\d", "..", "نان"]):
        made_ = team.channel("owner", name)
        said(team, "owner", made_, f"number {number}")
    found = exported(team)
    places = {
        one["text"]: name.split("/") for name in found.names if name.count("/") for one in found.json(name)
    }
    assert all(len(place) == 2 and place[0].strip(".") == place[0] for place in places.values()), places
    assert len({place[0] for place in places.values()}) == 6
    assert {places["number 2"][0], places["number 5"][0]} == {"a_b", "نان"}


def test_files_are_in_it_when_they_are_asked_for(team: Team) -> None:
    (upload,) = stored(team.world, team["owner"])
    url = upload.photo.url
    said(team, "owner", team.general, "look", file_ids=[url])
    without, with_ = exported(team), exported(team, include_files=True)
    assert not [name for name in without.names if name.startswith("files/")]
    (message,) = with_.messages("general")
    # For those who read it: the file is in the zip, and its address there opens nothing.
    assert message["files"][0]["url_private"] == url.replace("/media/", "/media/p/")
    (name,) = [name for name in with_.names if name.startswith("files/")]
    assert name == "files/" + "/".join(url.rsplit("/", 2)[1:])
    assert with_.bytes(name) == team.world.go(team.world.app.files.get(upload.path))


def test_files_of_channels_are_in_it_by_their_names_until_they_are_deleted(team: Team) -> None:
    file, _ = shared(team, "owner", team.general, name="../plan.pdf")
    gone, _ = shared(team, "owner", team.general, b"%PDF-1.7 gone")
    secret = team.channel("owner", "secret", kind="private")
    shared(team, "owner", secret, b"%PDF-1.7 secret")
    said(team, "owner", team.general, "again", file_ids=[file["id"]])
    assert team.request("DELETE", f"/api/v1/files/{gone['id']}", "owner").status_code == 204
    found = exported(team, include_files=True)
    (name,) = [name for name in found.names if name.startswith("files/")]
    assert (name, found.bytes(name)) == (f"files/{file['id']}/plan.pdf", PDF)
    shown = [one["files"] for one in found.messages("general") if "files" in one]
    assert (shown[0][0]["id"], shown[0][0]["name"], shown[0][0]["size"]) == (file["id"], "plan.pdf", len(PDF))
    assert shown[1] == [{"id": gone["id"], "mode": "tombstone"}]
    assert (
        len([name for name in exported(team, scope="all", include_files=True).names if "files/" in name]) == 2
    )


# ---- how it is made, and how it ends


def test_pages_are_put_together(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    for query in ("LINES", "ROOMS", "SPEAKERS", "FILES"):
        kept = getattr(store, query)
        smaller = re.sub(r"LIMIT \d+", "LIMIT 2", kept.sql)
        monkeypatch.setattr(store, query, type(kept)(kept.row, smaller))
    texts = [str(number) for number in range(7)]
    for text in texts:
        said(team, "owner", team.general, text)
    found = exported(team)
    assert [one["text"] for one in found.messages("general")] == texts
    assert len(found.json("users.json")) == 4


def test_memory_does_not_grow_with_what_was_said(team: Team) -> None:
    said(team, "owner", team.general)
    row = """INSERT INTO messages (id, conversation_id, sender_id, seq, ts_us, client_msg_id, body_hash, type, text,
        created_at)
      SELECT gen_random_uuid(), conversation_id, sender_id, 1000 + n, ts_us + n, n::text, '', 'text', repeat('x', 2000),
        created_at + n * interval '1 microsecond' FROM messages, generate_series($1::int, $2::int) n
      WHERE client_msg_id NOT SIMILAR TO '[0-9]+'"""

    def peak(first: int, last: int) -> int:
        team.world.sql(row, first, last)
        export_id = UUID(ask(team).json()["id"])
        tracemalloc.start()
        try:
            team.world.go(service.make(team.world.app, Me.system, export_id))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1, 600)  # what is loaded once
    small, large = peak(601, 1200), peak(1201, 6000)
    assert large < small * 1.5 + 500_000


def test_a_link_lasts_a_minute_and_a_zip_a_week(team: Team) -> None:
    export_id = asked(team)
    path = link(team, "owner", export_id)
    assert team.world.request("HEAD", path).status_code == 200
    assert team.world.get(path[:-1] + ("A" if path[-1] != "A" else "B")).status_code == 404
    assert team.world.get(path.replace("expires=", "expires=1")).status_code == 404
    with clock.shifted(timedelta(seconds=service.LINK_S + 1)):
        assert team.world.get(path).status_code == 404
        assert team.world.get(link(team, "owner", export_id)).status_code == 200
    assert len(zips(team)) == 1
    team.world.sql("UPDATE workspace_exports SET expires_at = $1", clock.now())
    assert download(team, "owner", export_id).status_code == 404
    assert team.world.get(path).status_code == 404
    team.world.go(handlers.tidy(team.world.app))
    assert zips(team) == []
    assert team.request("GET", f"{team.path}/exports", "owner").json()["data"] == []


def test_it_is_not_there_before_it_is_made(team: Team) -> None:
    export_id = ask(team).json()["id"]
    assert status(team, export_id) == "queued"
    assert download(team, "owner", export_id).json()["error"]["code"] == "export_not_ready"
    team.world.drain()
    assert status(team, export_id) == "done"
    team.world.go(service.make(team.world.app, Me.system, UUID(export_id)))  # again
    assert len(team.world.sql("SELECT 1 FROM notifications")) == 1


def test_what_cannot_be_made_is_given_up_after_a_day(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise Unavailable()

    monkeypatch.setattr(team.world.app.files, "put_file", broken)
    export_id = ask(team).json()["id"]
    with pytest.raises(Unavailable):
        team.world.go(service.make(team.world.app, Me.system, UUID(export_id)))
    assert status(team, export_id) == "running"
    with clock.shifted(service.ONE_IN + timedelta(minutes=1)):
        team.world.go(handlers.tidy(team.world.app))
    assert status(team, export_id) == "failed"
    assert download(team, "owner", export_id).status_code == 404
    assert ask(team).status_code == 202


def test_it_goes_with_the_workspace(team: Team) -> None:
    export_id = asked(team)
    path = link(team, "owner", export_id)
    assert team.request("DELETE", team.path, "owner", json={"confirm_slug": team.slug}).status_code == 202
    assert download(team, "owner", export_id).status_code == 404
    with clock.shifted(timedelta(days=31)):
        team.world.go(membership.purge(team.world.app))
    assert team.world.get(path).status_code == 404
    team.world.go(handlers.tidy(team.world.app))
    assert zips(team) == []
    assert team.world.sql("SELECT 1 FROM workspace_exports") == []


def test_a_list_runs_as_many_statements_as_it_did(team: Team) -> None:
    sizes = []
    for _ in range(2):
        asked(team)
        with counted(team.world) as seen:
            team.request("GET", f"{team.path}/exports?limit=50", "owner")
        sizes.append(len(seen))
    assert sizes[0] == sizes[1]
    page = team.request("GET", f"{team.path}/exports?limit=1", "owner").json()
    rest = team.request("GET", f"{team.path}/exports?limit=1&cursor={page['next_cursor']}", "owner").json()
    assert page["data"][0]["id"] > rest["data"][0]["id"]
    assert rest["next_cursor"] is None


def test_a_folder_is_what_every_machine_takes() -> None:
    room = model.Room(UUID(int=1), "a", None, False, False, False, None, None, None, clock.now(), [])
    for name, fit in (("a", "a"), ("نان", "نان"), (".a", f"_a-{room.id}"), ("a.", f"a_-{room.id}")):
        room.name = name
        assert model.folder_of(room) == fit
    room.name = None
    assert model.folder_of(room) == str(room.id)


def test_what_is_exported_is_what_is_asked_for(team: Team) -> None:
    export_id = asked(team)
    assert sorted(opened(team, export_id).names) == [
        "channels.json", "dms.json", "groups.json", "mpims.json", "users.json",
    ]  # fmt: skip
