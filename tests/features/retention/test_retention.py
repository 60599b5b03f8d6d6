"""What a workspace does not keep: gone from rows, logs, searches and files, in batches, and nothing else."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from majlis.features.conversations import handlers as logs
from majlis.features.retention import handlers, service
from majlis.kit import clock, facts, jobs
from majlis.kit.me import Me
from tests.features.discussions.talk import delete, history, react, said, send, texts
from tests.features.files.shelf import shared
from tests.features.media.uploads import stored
from tests.features.workspaces.team import Team
from tests.waiting import until_waiting
from tests.world import World

DAYS = 30


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def old(team: Team, text: str = "old", channel: str | None = None, **fields: Any) -> dict[str, Any]:
    """A message of the owner's from before."""
    made = said(team, "owner", channel or team.general, text, **fields)
    shift(team, [made["id"]])
    return made


def shift(team: Team, ids: list[str], days: int = DAYS + 1) -> None:
    """As if these messages had been sent so much earlier."""
    team.world.sql(
        """UPDATE messages SET created_at = created_at - make_interval(days => $2) WHERE id = ANY($1::uuid[])""",
        ids, days,
    )  # fmt: skip


def night(team: Team) -> None:
    team.world.go(handlers.apply(team.world.app))


def log_of(team: Team, after: int = 0, channel: str | None = None) -> Any:
    path = f"/api/v1/channels/{channel or team.general}/events?limit=500&after_seq={after}"
    return team.request("GET", path, "owner").json()


def rows(team: Team, sql: str, *args: Any) -> list[dict[str, Any]]:
    return team.world.sql(sql, *args)


def test_only_the_owner_says_for_how_long_and_it_is_noted(team: Team) -> None:
    body = {"settings": {"retention_days": DAYS}}
    answers = team.ask("PATCH", team.path, json=body)
    assert answers == {"outsider": 404, "guest": 403, "member": 403, "admin": 403, "owner": 200}
    assert team.request("PATCH", team.path, "owner", json=body).status_code == 200
    noted = rows(team, "SELECT actor_id, data FROM audit_entries WHERE action = 'set_retention'")
    assert noted == [{"actor_id": team["owner"].id, "data": {"before": None, "retention_days": DAYS}}]


def test_what_is_older_is_gone_and_the_rest_is_there(team: Team) -> None:
    elsewhere = Team(team.world)
    old(team), old(elsewhere)
    said(team, "owner", team.general, "young")
    team.set(retention_days=DAYS)
    night(team)
    assert texts(team, "owner", team.general) == ["young"]
    assert texts(elsewhere, "owner", elsewhere.general) == ["old"]
    assert rows(team, "SELECT text FROM messages ORDER BY text") == [{"text": "old"}, {"text": "young"}]
    found = team.request("GET", f"{team.path}/search?q=old", "owner").json()
    assert (found["data"], found["total_estimate"]) == ([], 0)


def test_nothing_goes_where_everything_is_kept(team: Team) -> None:
    old(team)
    night(team)
    assert texts(team, "owner", team.general) == ["old"]
    assert rows(team, "SELECT 1 FROM audit_entries WHERE action = 'retention'") == []


def test_the_audit_trail_tells_of_each_night(team: Team) -> None:
    team.set(retention_days=DAYS)
    night(team)
    old(team), old(team, channel=team.lobby)
    night(team)
    noted = rows(team, "SELECT actor_id, target_id, data FROM audit_entries WHERE action = 'retention'")
    assert [(one["actor_id"], str(one["target_id"]), one["data"]["days"]) for one in noted] == [
        (None, team.id, DAYS)
    ]


def test_the_log_begins_later_and_has_no_hole(team: Team) -> None:
    first = old(team, "old one")
    second = old(team, "old two")
    third = said(team, "owner", team.general, "young")
    team.request("PATCH", f"/api/v1/messages/{first['id']}", "owner", json={"text": "old secret"})
    react(team, "member", second["id"], "bread")
    head = log_of(team)["head_seq"]
    team.set(retention_days=DAYS)
    night(team)
    gone = team.request("GET", f"/api/v1/channels/{team.general}/events?after_seq=0", "owner")
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "gap")
    log = log_of(team, second["seq"])
    assert log["min_seq"] == second["seq"] + 1
    assert [one["seq"] for one in log["data"]] == [*range(log["min_seq"], head + 2)]
    assert "old" not in str(log["data"])
    last = log["data"][-1]
    assert (last["type"], last["data"]) == (
        "channel.updated", {"channel_id": team.general, "expired_before_seq": second["seq"] + 1},
    )  # fmt: skip
    assert third["seq"] in [one["seq"] for one in log["data"]]
    assert send(team, "owner", team.general, "next").json()["seq"] == head + 2


def test_nothing_of_it_is_left_anywhere(team: Team) -> None:
    made = old(team, "secret @membertest")
    team.request("PATCH", f"/api/v1/messages/{made['id']}", "owner", json={"text": "secret again"})
    react(team, "member", made["id"], "bread")
    assert (
        team.request("PUT", f"/api/v1/channels/{team.general}/pins/{made['id']}", "owner").status_code == 204
    )
    taken = old(team, "secret that was taken back")
    assert delete(team, "owner", taken["id"]) == 204
    team.set(retention_days=DAYS)
    night(team)
    for table in (
        "messages", "message_edits", "message_reactions", "message_pins", "channel_mentions", "thread_follows",
    ):  # fmt: skip
        assert rows(team, f"SELECT 1 FROM {table}") == [], table
    assert "secret" not in str(rows(team, "SELECT payload FROM conversation_events"))
    assert rows(team, "SELECT last_message_at FROM conversations WHERE id = $1::uuid", team.general) == [
        {"last_message_at": None}
    ]


def test_what_people_were_told_of_it_goes_with_it(team: Team) -> None:
    made, answered = old(team, "@membertest old"), old(team, "@membertest root")
    new = said(team, "owner", team.general, "@membertest new")
    said(team, "admin", team.general, "young", thread_root_id=answered["id"])
    team.world.drain()
    about = "SELECT target_id::text AS id FROM notifications WHERE type = 'MENTION' ORDER BY target_id"
    assert {row["id"] for row in rows(team, about)} == {made["id"], new["id"], answered["id"]}
    team.set(retention_days=DAYS)
    night(team)
    assert rows(team, about) == [{"id": new["id"]}]


def test_what_was_scheduled_goes_with_the_message_that_it_became(team: Team) -> None:
    path = f"/api/v1/channels/{team.general}/scheduled_messages"
    at = clock.now() + timedelta(minutes=5)
    body = {"text": "secret", "post_at": at.isoformat()}
    assert team.request("POST", path, "owner", json=body).status_code == 201
    ahead = timedelta(minutes=6)
    with clock.shifted(ahead):
        team.world.go(jobs.drain(team.world.app, team.world.app.db, facts.registry, ahead=ahead))
    (row,) = rows(team, "SELECT state, message_id::text AS id FROM scheduled_messages")
    assert row["state"] == "SENT"
    shift(team, [row["id"]])
    team.set(retention_days=DAYS)
    night(team)
    assert rows(team, "SELECT 1 FROM scheduled_messages") == []


def test_a_root_goes_with_its_last_reply(team: Team) -> None:
    root = old(team, "secret question")
    reply = old(team, "old answer", thread_root_id=root["id"])
    young = said(team, "member", team.general, "young answer", thread_root_id=root["id"])
    team.set(retention_days=DAYS)
    night(team)
    night(team)  # again changes nothing
    found = team.request("GET", f"/api/v1/messages/{root['id']}/replies", "owner").json()
    assert (found["root"]["text"], found["root"]["deleted_at"] is None) == ("", False)
    assert [one["id"] for one in found["data"]] == [young["id"]]
    assert rows(team, "SELECT 1 FROM messages WHERE id = $1::uuid", reply["id"]) == []
    assert rows(team, "SELECT 1 FROM messages WHERE text LIKE '%secret%'") == []
    shift(team, [young["id"]])
    night(team)
    assert rows(team, "SELECT 1 FROM messages") == []


def test_uploads_go_with_the_messages(team: Team) -> None:
    photos = [
        one.photo.url for one in (*stored(team.world, team["owner"]), *stored(team.world, team["owner"]))
    ]
    root = old(team, file_ids=[photos[0]])
    said(team, "owner", team.general, "young", thread_root_id=root["id"], file_ids=[photos[1]])
    team.set(retention_days=DAYS)
    night(team)
    team.world.drain()
    left = rows(team, "SELECT object FROM uploads WHERE removed_at IS NULL")
    assert [one["object"] for one in left] == ["/".join(photos[1].rsplit("/", 2)[1:])]


def test_files_of_channels_go_with_the_messages(team: Team) -> None:
    file, message = shared(team, "owner", team.general)
    kept, root = shared(team, "owner", team.general, b"%PDF-1.7 kept")
    shift(team, [message["id"], root["id"]])
    said(team, "owner", team.general, "young", thread_root_id=root["id"])
    said(team, "owner", team.general, "young", file_ids=[kept["id"]])
    team.set(retention_days=DAYS)
    night(team)
    carried = rows(team, "SELECT id, attached FROM attachments ORDER BY attached")
    assert [(str(one["id"]), one["attached"]) for one in carried] == [(file["id"], 0), (kept["id"], 1)]


def test_it_goes_in_batches(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    root = old(team)
    for _ in range(3):
        old(team, thread_root_id=root["id"])
    old(team), old(team)
    young = said(team, "owner", team.general, "young")
    team.set(retention_days=DAYS)
    monkeypatch.setattr(service, "AT_ONCE", 2)
    assert team.world.go(service.apply(team.world.app, Me.system)) == 7  # the root twice: emptied, then gone
    assert texts(team, "owner", team.general) == ["young"]
    assert len(rows(team, "SELECT 1 FROM messages")) == 1
    assert log_of(team, young["seq"])["min_seq"] == young["seq"]


def test_a_longer_time_counts_from_the_next_batch_on(clone: World) -> None:
    team = Team(clone)
    old(team)
    team.set(retention_days=DAYS)

    async def race() -> int:
        async with clone.app.db.tx() as tx:
            await tx.run("UPDATE workspaces SET retention_days = 365 WHERE id = $1::uuid", team.id)
            applying = asyncio.create_task(service.apply(clone.app, Me.system))
            await until_waiting(clone, 1, applying)
        return await applying

    assert clone.go(race()) == 0
    assert texts(team, "owner", team.general) == ["old"]
    team.set(retention_days=DAYS)
    assert clone.go(service.apply(clone.app, Me.system)) == 1


def test_logs_are_kept_for_thirty_days(team: Team) -> None:
    said(team, "owner", team.general)
    before = log_of(team)["head_seq"]
    with clock.shifted(timedelta(days=team.world.app.settings.log_days + 1)):
        team.world.go(logs.purge(team.world.app))
    assert team.world.app.settings.log_days == 30
    answer = team.request("GET", f"/api/v1/channels/{team.general}/events", "owner")
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "gap")
    said(team, "owner", team.general, "after")
    assert [one["seq"] for one in log_of(team, before)["data"]] == [before + 1]
    assert texts(team, "owner", team.general) == ["salaam", "after"]
    assert history(team, "owner", team.general)["head_seq"] == before + 1
