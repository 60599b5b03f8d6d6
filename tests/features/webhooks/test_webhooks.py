"""Incoming webhooks: who makes them, what they say for whom, and when they say nothing any more."""

import asyncio
import hashlib
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from majlis.features.membership import handlers
from majlis.features.webhooks import service
from majlis.features.webhooks.model import MAX_BYTES
from majlis.kit import clock, log
from majlis.kit.limits import Limiter
from tests.features.discussions.talk import delete, history, place, react, said, send, texts
from tests.features.queries import counted
from tests.features.webhooks.hooks import OK, listed, made, make, path_of, post, remove
from tests.features.workspaces.team import Team
from tests.waiting import until_waiting
from tests.world import World


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def leave(team: Team, who: str) -> None:
    assert team.request("DELETE", f"{team.path}/members/{team[who].id}", who).status_code == 204


# ---- making, looking, removing


def test_who_may_make_one(team: Team) -> None:
    assert [make(team, who, team.general).status_code for who in ("owner", "admin", "member")] == [201] * 3
    assert make(team, "guest").status_code == 403
    assert make(team, "outsider").status_code == 404
    elsewhere = Team(team.world)
    assert make(team, "owner", elsewhere.general).status_code == 404
    secret = team.channel("owner", "secret", kind="private")
    assert make(team, "member", secret).status_code == 404
    assert make(team, "member", team.lobby).json()["error"]["code"] == "not_a_member"
    archived = team.channel("owner", "old")
    team.request("POST", f"/api/v1/channels/{archived}/archive", "owner")
    assert make(team, "owner", archived).status_code == 409
    quiet = team.channel("owner", "news")
    team.request("POST", f"/api/v1/channels/{quiet}/join", "member")
    team.request("PATCH", f"/api/v1/channels/{quiet}", "owner", json={"posting_policy": "moderators"})
    assert make(team, "member", quiet).status_code == 403
    assert make(team, "owner", quiet).status_code == 201


@pytest.mark.parametrize(
    "field, value",
    [
        ("display_name", ""),
        ("display_name", " "),
        ("display_name", "x" * 81),
        ("icon_url", "http://example.org/a.png"),
        ("icon_url", "javascript:alert(1)"),
        ("icon_url", "https://example.org/" + "x" * 2000),
        ("channel_id", "general"),
        ("url", "https://example.org"),
    ],
)
def test_bad_fields_are_named(team: Team, field: str, value: str) -> None:
    answer = make(team, "member", team.general, **{field: value})
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["error"]["details"]] == [field]


def test_the_secret_is_told_once_and_stored_as_a_hash(team: Team) -> None:
    hook = made(team)
    secret = hook["url"].rpartition("/")[2]
    assert len(secret) >= 40
    (row,) = team.world.sql("SELECT * FROM incoming_webhooks")
    assert row["secret_hash"] == hashlib.sha256(secret.encode()).digest()
    assert secret not in str(row)
    (shown,) = listed(team, "owner")
    assert shown == {name: value for name, value in hook.items() if name != "url"}
    (entry,) = team.world.sql("SELECT data, actor_id FROM audit_entries WHERE action = 'add_webhook'")
    assert entry == {"data": {"webhook_id": hook["id"]}, "actor_id": team["member"].id}


def test_admins_see_all_and_others_their_own(team: Team) -> None:
    first, second = made(team, "owner"), made(team, "member")
    for who, ids in (
        ("owner", [first["id"], second["id"]]),
        ("admin", [first["id"], second["id"]]),
        ("member", [second["id"]]),
        ("guest", []),
    ):
        assert [one["id"] for one in listed(team, who)] == ids
    assert team.request("GET", f"{team.path}/incoming_webhooks", "outsider").status_code == 404
    page = team.request("GET", f"{team.path}/incoming_webhooks?limit=1", "owner").json()
    rest = team.request(
        "GET", f"{team.path}/incoming_webhooks?limit=1&cursor={page['next_cursor']}", "owner"
    ).json()
    assert [one["id"] for one in (*page["data"], *rest["data"])] == [first["id"], second["id"]]
    assert rest["next_cursor"] is None


def test_a_list_runs_as_many_statements_as_it_did(team: Team) -> None:
    sizes = []
    for _ in range(2):
        made(team)
        with counted(team.world) as seen:
            listed(team, "owner")
        sizes.append(len(seen))
    assert sizes[0] == sizes[1]


def test_who_removes_one_ends_it(team: Team) -> None:
    mine, other = made(team, "member"), made(team, "owner")
    assert (remove(team, "guest", mine), remove(team, "outsider", mine), remove(team, "member", other)) == (
        404,
    ) * 3
    assert post(team, mine, {"text": "salaam"}) == OK
    assert (remove(team, "member", mine), remove(team, "admin", other)) == (204, 204)
    assert remove(team, "member", mine) == 404
    assert post(team, mine, {"text": "salaam"}) == (404, "no_service")
    assert texts(team, "owner", team.general) == ["salaam"]


def test_there_is_a_limit(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST", 1)
    made(team)
    assert make(team, "owner", team.general).json()["error"]["code"] == "too_many_webhooks"


# ---- what it says


def test_what_is_posted_is_said_by_a_bot(team: Team) -> None:
    hook = made(team, icon_url="https://example.org/oven.png")
    before = {who: place(team, who, team.general) for who in ("owner", "member")}
    assert post(team, hook, {"text": "The oven is *hot*", "username": "Oven 2", "icon_emoji": ":fire:"}) == OK
    (found,) = history(team, "owner", team.general)["data"]
    assert found["text"] == "The oven is *hot*"
    assert found["bot"] == {
        "webhook_id": hook["id"], "name": "Oven 2", "icon_url": "https://example.org/oven.png", "icon_emoji": "fire",
    }  # fmt: skip
    people = {str(person.id) for person in team.people.values()}
    assert found["sender_id"] not in people
    for who in ("owner", "member"):  # whoever made it is nobody who said it
        assert place(team, who, team.general)["unread_count"] == before[who]["unread_count"] + 1
    assert post(team, hook, {"text": "again"}) == OK
    last = history(team, "owner", team.general)["data"][-1]
    assert (last["sender_id"], last["bot"]["name"]) == (found["sender_id"], "Oven watch")


def test_the_bot_is_in_no_list_and_signs_in_nowhere(team: Team) -> None:
    hook = made(team)
    post(team, hook, {"text": "salaam"})
    bot = history(team, "owner", team.general)["data"][-1]["sender_id"]
    members = team.request("GET", f"{team.path}/members", "owner").json()["data"]
    inside = team.request("GET", f"/api/v1/channels/{team.general}/members", "owner").json()["data"]
    assert bot not in {one["user_id"] for one in (*members, *inside)}
    assert team.request("GET", f"/api/v1/users/{bot}", "owner").status_code == 404
    channel = team.request("GET", f"/api/v1/channels/{team.general}", "owner").json()
    assert channel["member_count"] == len(inside)
    (row,) = team.world.sql("SELECT email, password_hash, role FROM users WHERE id = $1::uuid", bot)
    assert row == {"email": f"bot-{bot}@bots.invalid", "password_hash": None, "role": "user"}
    assert team.world.mails() == []


def test_those_who_post_first_at_once_make_one_bot(clone: World) -> None:
    team = Team(clone)
    hooks = [path_of(made(team)) for _ in range(4)]

    async def race() -> list[str]:
        async with clone.app.db.tx() as tx:
            await tx.run("SELECT 1 FROM workspaces WHERE id = $1::uuid FOR UPDATE", team.id)
            posting = [asyncio.create_task(clone.http.post(path, json={"text": "a"})) for path in hooks]
            await until_waiting(clone, len(hooks), *posting)
        return [answer.text for answer in await asyncio.gather(*posting)]

    assert clone.go(race()) == ["ok"] * 4
    log_of = team.request("GET", f"/api/v1/channels/{team.general}/events", "owner").json()
    assert [one["seq"] for one in log_of["data"]] == [*range(1, log_of["head_seq"] + 1)]
    assert len({one["sender_id"] for one in history(team, "owner", team.general)["data"]}) == 1
    assert len(clone.sql("SELECT 1 FROM users WHERE email LIKE 'bot-%'")) == 1


def test_the_log_has_no_hole_and_tells_of_it(team: Team) -> None:
    hook = made(team)
    said(team, "owner", team.general)
    post(team, hook, {"text": "The oven is hot"})
    said(team, "owner", team.general)
    log_of = team.request("GET", f"/api/v1/channels/{team.general}/events", "owner").json()
    seqs = [one["seq"] for one in log_of["data"]]
    assert seqs == [*range(1, log_of["head_seq"] + 1)]
    created = [one for one in log_of["data"] if one["type"] == "message.created"]
    assert [one["data"]["message"]["text"] for one in created] == ["salaam", "The oven is hot", "salaam"]
    assert created[1]["data"]["message"]["data"]["bot"]["webhook_id"] == hook["id"]


def test_it_is_searched_reacted_to_and_taken_back_by_moderators(team: Team) -> None:
    hook = made(team)
    post(team, hook, {"text": "The oven is hot"})
    (found,) = history(team, "owner", team.general)["data"]
    hits = team.request("GET", f"{team.path}/search?q=oven", "member").json()["data"]
    assert [one["message"]["id"] for one in hits] == [found["id"]]
    assert react(team, "member", found["id"], "fire") == 200
    assert (
        team.request("PATCH", f"/api/v1/messages/{found['id']}", "member", json={"text": "x"}).status_code
        == 403
    )
    assert delete(team, "member", found["id"]) == 403
    assert delete(team, "admin", found["id"]) == 204
    assert texts(team, "owner", team.general) == [""]


def test_it_mentions_and_answers(team: Team) -> None:
    hook = made(team, "owner")
    root = said(team, "member", team.general)
    assert post(team, hook, {"text": "<!channel> done", "thread_ts": root["ts"]}) == OK
    assert place(team, "member", team.general)["mention_count"] == 1
    threads = team.request("GET", f"{team.path}/threads", "member").json()["data"]
    assert [(one["root"]["id"], one["unread_count"]) for one in threads] == [(root["id"], 1)]
    for stamp, word in (("1.000001", "thread_not_found"), ("yesterday", "invalid_thread_ts")):
        assert post(team, hook, {"text": "x", "thread_ts": stamp}) == (400, word)
    team.set(who_can_mention_all="admins")
    assert post(team, made(team, "member"), {"text": "<!channel>"}) == OK
    assert (
        place(team, "owner", team.general)["mention_count"] == 1
    )  # of the first, which its maker did not say


def test_nobody_else_says_they_are_a_bot(team: Team) -> None:
    faked = {"webhook_id": str(team.id), "name": "Oven", "icon_url": None, "icon_emoji": None}
    send(team, "member", team.general, bot=faked)
    body = {"text": "x", "data": {"bot": faked}}
    (other,) = (team["owner"].id,)
    dm = team.world.post("/api/v1/conversations", team["member"], {"user_ids": [str(other)]}).json()["id"]
    answer = team.world.post(f"/api/v1/conversations/{dm}/messages", team["member"], body)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["error"]["details"]] == ["data.bot"]
    assert all(one["bot"] is None for one in history(team, "owner", team.general)["data"])


# ---- Slack's words


@pytest.mark.parametrize(
    "sent, answer",
    [
        ({"json": {"text": "a"}}, OK),
        ({"data": {"payload": '{"text": "a"}'}}, OK),
        ({"content": '{"text": "a"}'}, OK),
        ({"content": '{"text": "a"}', "headers": {"content-type": "application/x-www-form-urlencoded"}}, OK),
        ({"content": "payload=" + quote('{"text": "a"}'), "headers": {"content-type": "text/plain"}}, (400, "invalid_payload")),
        ({"json": {}}, (400, "no_text")),
        ({"json": {"text": " \n"}}, (400, "no_text")),
        ({"json": {"blocks": [{"type": "divider"}]}}, (400, "no_text")),
        ({"content": ""}, (400, "invalid_payload")),
        ({"content": "{"}, (400, "invalid_payload")),
        ({"content": b'"\xff"'}, (400, "invalid_payload")),
        ({"content": "[" * 100_000}, (400, "invalid_payload")),
        ({"json": ["a"]}, (400, "invalid_payload")),
        ({"json": {"text": 7}}, (400, "invalid_payload")),
        ({"json": {"text": "a", "blocks": "b"}}, (400, "invalid_payload")),
        ({"json": {"text": "a", "blocks": [7]}}, (400, "invalid_payload")),
        ({"json": {"text": "a", "blocks": [{"type": "divider"}] * 51}}, (400, "invalid_payload")),
        ({"json": {"attachments": [{"text": "a"}] * 101}}, (400, "too_many_attachments")),
        ({"data": {"text": "a"}}, (400, "invalid_payload")),
        ({"content": b"x" * (MAX_BYTES + 1)}, (413, "payload_too_large")),
    ],
)  # fmt: skip
def test_payloads(team: Team, sent: dict[str, Any], answer: tuple[int, str]) -> None:
    assert post(team, made(team), **sent) == answer
    assert texts(team, "owner", team.general) == (["a"] if answer == OK else [])


SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "<https://x.org|Build> failed &amp; burned"}}
RICH = {
    "type": "rich_text",
    "elements": [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "one "}, {"type": "emoji", "name": "fire"}]},
        {"type": "rich_text_list", "elements": [
            {"type": "rich_text_section", "elements": [{"type": "link", "url": "https://x.org"}]},
            {"type": "rich_text_section", "elements": [{"type": "broadcast", "range": "here"}]}]},
    ],
}  # fmt: skip
ATTACHED = {
    "pretext": "before", "title": "Oven", "title_link": "https://x.org/1", "text": "hot", "fallback": "unseen",
    "fields": [{"title": "Degrees", "value": "230"}], "footer": "bakery",
}  # fmt: skip


@pytest.mark.parametrize(
    "payload, text",
    [
        ({"text": "a <https://x.org> <https://x.org|b> &lt;c&gt; <@U1|ada> <#C1|bread> <!here>"},
         "a https://x.org b (https://x.org) <c> @ada #bread @here"),
        ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "Build 7"}}, SECTION]},
         "Build 7\nBuild (https://x.org) failed & burned"),
        ({"text": "short", "blocks": [SECTION]}, "short"),
        ({"blocks": [RICH]}, "one :fire:\nhttps://x.org\n@here"),
        ({"blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "by ada"}]}]}, "by ada"),
        ({"blocks": [{"type": "image", "alt_text": "an oven", "image_url": "https://x.org/a.png"}]}, "an oven"),
        ({"text": "top", "attachments": [ATTACHED]},
         "top\nbefore\nOven (https://x.org/1)\nhot\nDegrees: 230\nbakery"),
        ({"attachments": [{"fallback": "seen"}]}, "seen"),
        ({"text": "a\u0000b\u0007c"}, "abc"),
        ({"text": "x" * 50_000}, "x" * 40_000),
    ],
)  # fmt: skip
def test_everything_is_reduced_to_text(team: Team, payload: dict[str, Any], text: str) -> None:
    assert post(team, made(team), payload) == OK
    assert texts(team, "owner", team.general) == [text]


def test_blocks_are_kept_unless_they_are_large(team: Team) -> None:
    hook = made(team)
    post(team, hook, {"blocks": [SECTION]})
    post(team, hook, {"text": "long", "blocks": [{"type": "section", "text": "x" * 20_000}]})
    small, large = history(team, "owner", team.general)["data"]
    assert (small["blocks"], large["blocks"], large["text"]) == ([SECTION], None, "long")


def test_blocks_within_blocks_have_an_end(team: Team) -> None:
    deep: dict[str, Any] = {"type": "text", "text": "deep"}
    for _ in range(200):
        deep = {"type": "rich_text_section", "elements": [deep]}
    status, word = post(
        team, made(team), {"text": "a", "blocks": [{"type": "rich_text", "elements": [deep]}]}
    )
    assert (status, word) == (400, "invalid_payload")


def test_what_is_posted_twice_under_a_key_is_said_once(team: Team) -> None:
    hook, other = made(team), made(team)
    for webhook in (hook, hook, other):
        assert post(team, webhook, {"text": "a"}, headers={"idempotency-key": "1"}) == OK
    assert texts(team, "owner", team.general) == ["a", "a"]
    assert post(team, hook, {"text": "b"}, headers={"idempotency-key": "1"}) == (409, "invalid_payload")


def test_words_that_are_refused_are_refused_here_too(team: Team) -> None:
    moderator = team.world.person("Moderator", role="moderator")
    rule = {"kind": "word", "pattern": "scam", "action": "refuse"}
    assert team.world.post("/api/v1/moderation/filters", moderator, rule).status_code == 201
    hook = made(team)
    assert post(team, hook, {"text": "a scam"}) == (403, "action_prohibited")


def test_the_name_in_a_payload_obeys_the_filters_too(team: Team) -> None:
    moderator = team.world.person("Moderator", role="moderator")
    rule = {"kind": "word", "pattern": "scam", "action": "refuse"}
    assert team.world.post("/api/v1/moderation/filters", moderator, rule).status_code == 201
    for name, answer in (("Scam Bank", (403, "action_prohibited")), ("Bank", OK)):
        assert post(team, made(team), {"text": "salaam", "username": name}) == answer
    assert texts(team, "owner", team.general) == ["salaam"]


# ---- for whom it speaks


def test_a_wrong_secret_and_no_webhook_look_alike(team: Team) -> None:
    hook = made(team)
    right = path_of(hook)
    base, _, secret = right.rpartition("/")
    wrong = [
        f"{base}/{secret[:-1]}",
        f"{base}/{secret}x",
        f"{base}/x",
        f"/hooks/{team.id}/{secret}",
        f"/hooks/x/{secret}",
    ]
    for path in wrong:
        answer = team.world.request("POST", path, json={"text": "a"})
        assert (answer.status_code, answer.text) == (404, "no_service"), path
    assert texts(team, "owner", team.general) == []


def test_it_ends_with_the_membership_of_who_made_it(team: Team) -> None:
    hook = made(team)
    leave(team, "member")
    assert post(team, hook, {"text": "a"}) == (404, "no_service")
    team.come(team["member"])
    assert post(team, hook, {"text": "a"}) == (404, "no_service")


def test_it_writes_where_who_made_it_may(team: Team) -> None:
    secret = team.channel("owner", "secret", kind="private", member_ids=[str(team["member"].id)])
    private, public = made(team, channel=secret), made(team)
    assert post(team, private, {"text": "a"}) == OK
    team.request("POST", f"/api/v1/channels/{secret}/leave", "member")
    assert post(team, private, {"text": "a"}) == (404, "channel_not_found")
    team.set_role("member", "guest")
    assert post(team, public, {"text": "a"}) == (403, "action_prohibited")
    assert texts(team, "owner", secret) == ["a"]


def test_it_obeys_the_channel(team: Team) -> None:
    news = team.channel("owner", "news")
    team.request("POST", f"/api/v1/channels/{news}/join", "member")
    mine, owners = made(team, "member", news), made(team, "owner", news)
    team.request("PATCH", f"/api/v1/channels/{news}", "owner", json={"posting_policy": "moderators"})
    assert post(team, mine, {"text": "a"}) == (403, "action_prohibited")
    assert post(team, owners, {"text": "a"}) == OK
    team.request("POST", f"/api/v1/channels/{news}/archive", "owner")
    assert post(team, owners, {"text": "a"}) == (410, "channel_is_archived")


def test_the_suspended_say_nothing_by_it(team: Team) -> None:
    hook = made(team)
    team.world.sql("UPDATE profiles SET suspended = true WHERE id = $1", team["member"].id)
    assert post(team, hook, {"text": "a"}) == (404, "no_service")


def test_the_bot_goes_with_the_workspace(team: Team) -> None:
    hook, other = made(team), Team(team.world)
    post(team, hook, {"text": "a"})
    post(other, made(other), {"text": "b"})
    bots = "SELECT 1 FROM users WHERE email LIKE 'bot-%'"
    assert len(team.world.sql(bots)) == 2
    body = {"confirm_slug": team.slug}
    assert team.request("DELETE", team.path, "owner", json=body).status_code == 202
    assert post(team, hook, {"text": "a"}) == (404, "channel_not_found")
    with clock.shifted(timedelta(days=31)):
        team.world.go(handlers.purge(team.world.app))
        team.world.drain()
    assert len(team.world.sql(bots)) == 1
    assert texts(other, "owner", other.general) == ["b"]


# ---- limits and logs


def test_one_a_second_of_each(team: Team) -> None:
    one, other = made(team), made(team)
    now = [100.0]
    team.world.app.limiter = Limiter(None, enabled=True, clock=lambda: now[0])
    assert post(team, one, {"text": "a"}) == OK
    answer = team.world.request("POST", path_of(one), json={"text": "a"})
    assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (429, "rate_limited", "1")
    assert post(team, other, {"text": "a"}) == OK
    now[0] += 1.01
    assert post(team, one, {"text": "a"}) == OK


def test_whoever_guesses_is_soon_not_heard(team: Team) -> None:
    hook = made(team)
    team.world.app.limiter = Limiter(None, enabled=True, clock=lambda: 100.0)
    wrong = {**hook, "url": hook["url"] + "x"}
    words = [post(team, wrong, {"text": "a"})[1] for _ in range(service.GUESSES.amount + 1)]
    assert words == ["no_service"] * service.GUESSES.amount + ["rate_limited"]


@pytest.mark.parametrize("how", ["POST", "GET", "behind", "slash", "double", "elsewhere", "wrong"])
def test_the_secret_is_in_no_log(team: Team, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[Any, ...]] = []
    monkeypatch.setattr(log, "access", lambda *fields: lines.append(fields))
    hook = made(team)
    path, secret = path_of(hook), hook["url"].rpartition("/")[2]
    method = "GET" if how == "GET" else "POST"
    changed = {
        "behind": path + "/more", "slash": path + "/", "double": "//" + path.replace("/", "//"),
        "elsewhere": path.replace("/hooks/", "/hooks/x"), "wrong": path + "x",
    }.get(how, path)  # fmt: skip
    team.world.request(method, "http://majlis.test" + changed, json={"text": "a"})
    assert len(lines) == 2, lines
    assert secret not in json.dumps(lines, default=str)
    assert lines[-1][1].startswith("/hooks/") or how == "double"
    assert lines[-1][1].endswith("/•••")
