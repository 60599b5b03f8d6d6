"""Searching what was said in a workspace: by words and operators, and never what one may not read."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from majlis.features.archive import store
from majlis.kit import clock
from tests.features.discussions.talk import delete, react, said
from tests.features.media.uploads import jpeg
from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.world import World


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def search(team: Team, who: str, q: str, **query: Any) -> dict[str, Any]:
    answer = team.world.get(f"{team.path}/search", team[who], params={"q": q, **query})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def found(team: Team, q: str, who: str = "owner", **query: Any) -> list[str]:
    return [one["message"]["text"] for one in search(team, who, q, **query)["data"]]


@pytest.mark.rule("afrochat:R13", "afrochat:D7")
def test_who_finds_what(team: Team) -> None:
    secret = team.channel("owner", "secret", kind="private")
    for name, channel in (("general", team.general), ("lobby", team.lobby), ("secret", secret)):
        said(team, "owner", channel, f"bread of {name}")
    everywhere = ["bread of secret", "bread of lobby", "bread of general"]
    assert found(team, "bread", sort="newest") == everywhere
    assert search(team, "owner", "bread")["total_estimate"] == 3
    assert found(team, "bread", "member", sort="newest") == everywhere[1:]
    assert search(team, "member", "bread")["total_estimate"] == 2
    assert found(team, "bread", "admin", sort="newest") == everywhere[1:]
    assert found(team, "bread", "guest") == ["bread of lobby"]
    assert search(team, "guest", "bread")["total_estimate"] == 1
    assert found(team, "bread in:#secret", "member") == []
    assert found(team, "in:#secret", "owner") == ["bread of secret"]
    assert team.ask("GET", f"{team.path}/search", params={"q": "bread"}) == {
        "outsider": 404, "guest": 200, "member": 200, "admin": 200, "owner": 200,
    }  # fmt: skip


@pytest.mark.rule("afrochat:D7")
def test_who_leaves_a_private_channel_finds_nothing_of_it(team: Team) -> None:
    secret = team.channel("owner", "secret", kind="private", member_ids=[str(team["member"].id)])
    said(team, "member", secret, "bread")
    assert found(team, "bread", "member") == ["bread"]
    assert team.request("POST", f"/api/v1/channels/{secret}/leave", "member").status_code == 204
    assert found(team, "bread", "member") == []


@pytest.mark.rule("afrochat:R13")
def test_only_of_this_workspace_and_not_from_conversations(team: Team) -> None:
    other = Team(team.world)
    said(other, "owner", other.general, "bread elsewhere")
    assert found(team, "bread") == []
    assert found(other, "bread") == ["bread elsewhere"]


def test_words_beginnings_phrases_and_exclusions(team: Team) -> None:
    for text in ("warm Bread here", "bread that is warm", "breads", "cold soup"):
        said(team, "owner", team.general, text)
    assert sorted(found(team, "bread")) == ["bread that is warm", "warm Bread here"]
    assert sorted(found(team, "BREA*")) == ["bread that is warm", "breads", "warm Bread here"]
    assert found(team, '"warm bread"') == ["warm Bread here"]
    assert found(team, 'bread -"warm bread"') == ["bread that is warm"]
    assert found(team, "brea* -warm") == ["breads"]
    assert found(team, "bread soup") == []


def test_letters_that_keyboards_write_in_two_ways(team: Team) -> None:
    said(team, "owner", team.general, "كتاب يكي")
    hits = search(team, "owner", "کتاب")["data"]
    assert [one["message"]["text"] for one in hits] == ["كتاب يكي"]
    assert hits[0]["highlights"] == ["كتاب"]


def test_what_is_shown_of_a_message(team: Team) -> None:
    sent = said(team, "owner", team.general, "Bread, bread and breadcrumbs")
    answer = search(team, "member", "bread* -soup in:general")
    (hit,) = answer["data"]
    assert hit["message"]["id"] == sent["id"]
    assert hit["message"]["sender_id"] == str(team["owner"].id)
    assert hit["channel"] == {
        "id": team.general, "workspace_id": team.id, "kind": "public", "name": "general",
    }  # fmt: skip
    assert hit["highlights"] == ["Bread", "bread", "breadcrumbs"]
    assert answer["next_cursor"] is None
    assert answer["query"] == {
        "terms": ["bread*", "-soup"],
        "filters": [{"operator": "in", "value": "general", "negated": False}],
        "errors": [],
    }


def test_from_and_in_are_alternatives_and_operators_narrow(team: Team) -> None:
    names = {
        one["user_id"]: one["username"]
        for one in team.request("GET", f"{team.path}/members", "owner").json()["data"]
    }
    admin, member = names[str(team["admin"].id)], names[str(team["member"].id)]
    said(team, "admin", team.general, "bread of the admin")
    said(team, "member", team.general, "bread of the member")
    said(team, "owner", team.lobby, "bread of the owner")
    assert found(team, f"bread from:@{admin}") == ["bread of the admin"]
    assert sorted(found(team, f"from:@{admin} from:{member}")) == [
        "bread of the admin",
        "bread of the member",
    ]
    assert found(team, "bread from:me", "member") == ["bread of the member"]
    assert sorted(found(team, f"bread -from:@{admin}")) == ["bread of the member", "bread of the owner"]
    assert len(found(team, "bread in:general in:#lobby")) == 3
    assert found(team, f"bread in:lobby from:@{admin}") == []
    assert found(team, "bread from:@nobody") == []


def move(team: Team, message: dict[str, Any], at: datetime) -> None:
    """As if a message had been said at another moment."""
    team.world.sql("UPDATE messages SET created_at = $2 WHERE id = $1", UUID(message["id"]), at)


def test_days_are_those_of_the_callers_place(team: Team) -> None:
    start = datetime(2031, 3, 20, 18, 0, tzinfo=UTC)  # in Kabul 22:30
    for hours in (0, 2, 30):
        move(team, said(team, "owner", team.general, f"bread {hours}"), start + timedelta(hours=hours))
    assert found(team, "bread before:2031-03-21", sort="newest") == ["bread 2", "bread 0"]
    assert found(team, "bread before:2031-03-21", tz="Asia/Kabul") == ["bread 0"]
    assert found(team, "bread on:2031-03-21", tz="Asia/Kabul") == ["bread 2"]
    assert found(team, "bread after:2031-03-21", tz="Asia/Kabul") == ["bread 30"]
    assert found(team, "bread after:2031-03-20 before:2031-03-22") == []
    assert found(team, "after:2031-03-20") == ["bread 30"]


def test_what_messages_have_and_are(team: Team) -> None:
    plain = said(team, "owner", team.general, "bread")
    said(team, "owner", team.general, "bread at https://example.org/a")
    url = team.world.post("/api/v1/upload", team["owner"], files={"file": ("a.jpg", jpeg())}).json()["url"]
    said(team, "owner", team.general, "bread in a picture", type="image", file_ids=[url])
    said(team, "owner", team.general, "bread in a thread", thread_root_id=plain["id"])
    liked = said(team, "owner", team.general, "bread that is liked")
    pinned = said(team, "owner", team.general, "bread that is pinned")
    assert react(team, "owner", liked["id"], "❤") == 200
    path = f"/api/v1/channels/{team.general}/pins/{pinned['id']}"
    assert team.request("PUT", path, "owner").status_code == 204
    assert found(team, "bread has:link") == ["bread at https://example.org/a"]
    assert found(team, "bread has:file") == found(team, "has:image") == ["bread in a picture"]
    assert found(team, "bread", type="files") == ["bread in a picture"]
    assert found(team, "bread has:reaction") == ["bread that is liked"]
    assert found(team, "bread has:pin") == ["bread that is pinned"]
    assert sorted(found(team, "bread is:thread")) == ["bread", "bread in a thread"]
    assert len(found(team, "bread -has:link -has:file -has:reaction -has:pin -is:thread")) == 0


@pytest.mark.parametrize(
    "q, code",
    [
        ("bread colour:brown", "unknown_operator"),
        ("bread has:legs", "unknown_operator"),
        ("bread before:soon", "unknown_operator"),
        ("bread after:9999-12-31", "unknown_operator"),
        ("bread in:@", "unknown_operator"),
        ("bread !!", "no_letters"),
        ("bread " * 17, "too_many"),
        ("bread " + "from:me " * 17, "too_many"),
    ],
)
def test_what_is_not_understood_is_said(team: Team, q: str, code: str) -> None:
    said(team, "owner", team.general, "bread colour brown")
    answer = search(team, "owner", q)
    assert [one["code"] for one in answer["query"]["errors"]] == [code]
    assert bool(answer["data"]) == (code != "unknown_operator" or "colour" in q)


def test_addresses_and_times_are_no_operators(team: Team) -> None:
    said(team, "owner", team.general, "see https://example.org/a at 10:30")
    for q in ("https://example.org/a", "10:30"):
        answer = search(team, "owner", q)
        assert answer["query"]["errors"] == [] and len(answer["data"]) == 1, q


@pytest.mark.parametrize(
    "query, field",
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "x" * 501}, "q"),
        ({"q": "-bread"}, "q"),
        ({"q": "!!"}, "q"),
        ({"q": "-from:me"}, "q"),
        ({"q": "bread", "tz": "Moon/Base"}, "tz"),
        ({"q": "bread", "tz": "../../etc/passwd"}, "tz"),
        ({"q": "bread", "sort": "oldest"}, "sort"),
        ({"q": "bread", "type": "people"}, "type"),
        ({"q": "bread", "limit": 0}, "limit"),
    ],
)
def test_bad_searches_name_the_field(team: Team, query: dict[str, Any], field: str) -> None:
    answer = team.world.get(f"{team.path}/search", team["owner"], params=query)
    assert answer.status_code in (400, 422), answer.text
    assert field in [one["field"] for one in answer.json()["error"]["details"]]


@pytest.mark.parametrize(
    "q", ["'", "\\", "a' | 'b:*", "(", "a & !b", "a:*b", "😀*", '"', "it's", "a\\*", "<->"]
)
def test_nothing_in_a_search_is_an_operator_of_the_database(team: Team, q: str) -> None:
    answer = team.world.get(f"{team.path}/search", team["owner"], params={"q": f"bread {q}"})
    assert answer.status_code == 200, answer.text


def test_what_is_edited_or_deleted_is_found_no_longer(team: Team) -> None:
    changed = said(team, "owner", team.general, "bread one")
    gone = said(team, "owner", team.general, "bread two")
    path = f"/api/v1/messages/{changed['id']}"
    assert team.request("PATCH", path, "owner", json={"text": "soup"}).status_code == 200
    assert delete(team, "owner", gone["id"]) == 204
    assert found(team, "bread") == []
    assert found(team, "soup") == ["soup"]


def test_what_is_kept_no_longer_is_not_found(team: Team) -> None:
    move(team, said(team, "owner", team.general, "bread"), clock.now() - timedelta(days=2))
    said(team, "owner", team.general, "bread again")
    assert len(found(team, "bread")) == 2
    team.set(retention_days=1)
    assert found(team, "bread") == ["bread again"]


def test_notes_of_the_server_are_not_found(team: Team) -> None:
    path = f"/api/v1/channels/{team.general}/topic"
    assert team.request("PUT", path, "owner", json={"topic": "bread"}).status_code == 200
    assert found(team, "bread") == []


@pytest.mark.parametrize("sort", ["relevance", "newest"])
def test_pages_hold_everything_once(team: Team, sort: str) -> None:
    for number in range(7):
        said(team, "owner", team.general, "bread " * (1 + number % 3) + str(number))
    whole = found(team, "bread", sort=sort)
    assert len(whole) == 7
    pages: list[str] = []
    query: dict[str, Any] = {"sort": sort, "limit": 2}
    for _ in range(4):
        answer = search(team, "owner", "bread", **query)
        pages += [one["message"]["text"] for one in answer["data"]]
        query["cursor"] = answer["next_cursor"]
    assert pages == whole and query["cursor"] is None


def test_what_fits_best_is_looked_for_among_the_latest(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("bread bread bread", "bread and soup", "bread bread"):
        said(team, "owner", team.general, text)
    whole = found(team, "bread")
    assert (whole[0], len(whole)) == ("bread bread bread", 3)
    monkeypatch.setattr(store, "RANKED", 2)
    assert found(team, "bread") == ["bread bread", "bread and soup"]
    assert len(found(team, "bread", sort="newest")) == 3


def pages(team: Team, q: str, sort: str) -> list[str]:
    """Everything that is found, in pages of three."""
    seen: list[str] = []
    query: dict[str, Any] = {"sort": sort, "limit": 3}
    while query.get("cursor", "") is not None:
        answer = search(team, "owner", q, **query)
        seen += [one["message"]["text"] for one in answer["data"]]
        query["cursor"] = answer["next_cursor"]
    return seen


@pytest.mark.parametrize("sort", ["relevance", "newest"])
@pytest.mark.parametrize("q", ["bread", "cake", "bread -soup", "bread in:#lobby", "from:me", "brea*"])
def test_what_is_frequent_is_found_among_the_latest_first_and_is_the_same(
    team: Team, monkeypatch: pytest.MonkeyPatch, q: str, sort: str
) -> None:
    for number in range(24):
        words = "bread " * (1 + number % 3) + "soup " * (number % 5 == 0) + "cake " * (number < 4)
        said(team, "owner", team.lobby if number % 4 == 0 else team.general, words + str(number))
    monkeypatch.setattr(store, "RANKED", 6)
    plain = pages(team, q, sort)
    assert len(plain) >= 4
    monkeypatch.setattr(store, "MOST", 1)  # now each of these words counts as a frequent one
    with counted(team.world) as seen:
        search(team, "owner", q, sort=sort, limit=3)
    assert any("WITH near" in statement for statement in seen)
    assert pages(team, q, sort) == plain


def test_a_cursor_is_one_of_its_order(team: Team) -> None:
    for _ in range(2):
        said(team, "owner", team.general, "bread")
    cursor = search(team, "owner", "bread", sort="newest", limit=1)["next_cursor"]
    query = {"q": "bread", "sort": "relevance", "cursor": cursor}
    assert team.world.get(f"{team.path}/search", team["owner"], params=query).status_code == 400


def test_a_search_runs_as_many_statements_for_one_as_for_many(team: Team) -> None:
    counts = []
    for _ in range(2):
        said(team, "owner", team.general, "bread")
        said(team, "owner", team.lobby, "bread")
        with counted(team.world) as seen:
            found(team, "bread")
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_the_index_is_used(team: Team) -> None:
    """The words of the statement are those of the index; an expression that differs would read every message."""
    plan = """EXPLAIN SELECT id FROM messages m WHERE m.deleted_at IS NULL
      AND to_tsvector('simple', search_text(m.text)) @@ plainto_tsquery('simple', 'bread')"""
    team.world.sql("SET LOCAL enable_seqscan = off")
    lines = [line for row in team.world.sql(plan) for line in row.values()]
    assert any("messages_words" in line for line in lines), lines
