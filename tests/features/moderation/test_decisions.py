"""What moderators do: hide, restore, suspend, open again, dismiss; who may, who is told, and what is left alone."""

from datetime import timedelta
from typing import Any

import pytest

from majlis.features.moderation import handlers
from majlis.kit import clock
from tests.features.moderation.cases import (
    CASES,
    REASON,
    act,
    comment,
    queue,
    refusal,
    report,
    reported_post,
)
from tests.features.posts.writing import POSTS, faults, write
from tests.world import PASSWORD, Person, World

ACTIONS = ("hide", "restore", "suspend", "unsuspend", "dismiss")


@pytest.fixture
def moderator(world: World) -> Person:
    return world.person("Moderator", role="moderator")


def told(world: World, who: Person) -> list[tuple[str, str]]:
    """(title, message) of what the moderators told somebody, newest first."""
    found = world.get("/api/v1/notifications?type=SYSTEM", who).json()["data"]
    return [(one["title"], one["message"]) for one in found]


def mails(world: World, who: Person) -> list[str]:
    return [letter.text for letter in world.mails() if letter.to == who.email]


def count(world: World, who: Person) -> int:
    return int(world.sql("SELECT posts_count FROM profiles WHERE id = $1", who.id)[0]["posts_count"])


def case_of(world: World, target: object) -> str:
    (found,) = world.sql("SELECT id FROM moderation_cases WHERE target_id = $1", target)
    return str(found["id"])


# ---- hiding


def test_a_hidden_post_is_gone_for_all_but_its_author_who_reads_why(world: World, moderator: Person) -> None:
    author, reader = world.person(), world.person()
    post, case = reported_post(world, author, description="Money first")
    path = f"{POSTS}/{post['id']}"
    assert world.post(f"{path}/bookmark", reader).status_code == 200
    share = world.post(f"{path}/share", reader, {}).json()["share"]["shared_post"]["id"]
    found = act(world, moderator, case, "hide")
    assert (found["state"], found["hidden_as"]) == ("RESOLVED", "HIDDEN")
    assert [one["status"] for one in found["reports"]] == ["RESOLVED"]
    for who in (reader, moderator, None):
        assert world.get(path, who).status_code == 404
        assert post["id"] not in {one["id"] for one in world.get(POSTS, who).json()["data"]}
    assert world.get("/api/v1/users/me/bookmarks", reader).json()["data"] == []
    assert world.get(f"{POSTS}/{share}", reader).json()["original_post"] is None
    assert world.get(f"{path}/comments", reader).status_code == 404
    assert world.post(f"{path}/like", reader).status_code == 404
    assert world.post(f"{path}/report", reader, {"reason": "Spam"}).status_code == 404
    own = world.get(path, author).json()
    assert own["description"] == "Money first"
    assert (own["moderation"]["state"], own["moderation"]["reason"]) == ("HIDDEN", REASON["reason"])
    assert "moderation" not in post


def test_no_switch_of_its_author_brings_a_hidden_post_back(world: World, moderator: Person) -> None:
    author, reader = world.person(), world.person()
    post, case = reported_post(world, author)
    act(world, moderator, case, "hide")
    path = f"{POSTS}/{post['id']}"
    for body in ({"status": True}, {"status": False}, {"description": "better"}, {"visibility": "PUBLIC"}):
        answer = world.put(path, author, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "hidden")
    assert world.put(path, reader, {"status": True}).status_code == 404
    assert world.get(path, reader).status_code == 404
    assert world.get("/api/v1/users/me/posts", author).json()["data"] == []
    assert world.post(f"{path}/share", author, {}).status_code == 404


@pytest.mark.rule("hamsaya:134")
def test_hiding_and_restoring_count_once_each(world: World, moderator: Person) -> None:
    author, reader = world.person(), world.person()
    post, case = reported_post(world, author)
    said = comment(world, reader, post["id"])
    answer = comment(world, author, post["id"])
    assert count(world, author) == 1
    report(world, author, "comment", said)

    def comments() -> int:
        return int(
            world.sql("SELECT total_comments FROM posts WHERE id = $1", post["id"])[0]["total_comments"]
        )

    act(world, moderator, case_of(world, said), "hide")
    assert comments() == 1
    assert refusal(world, moderator, case_of(world, said), "hide") == (409, "already_hidden")
    act(world, moderator, case_of(world, said), "restore")
    assert refusal(world, moderator, case_of(world, said), "restore") == (409, "not_hidden")
    assert comments() == 2
    act(world, moderator, case, "hide")
    assert count(world, author) == 0
    act(world, moderator, case, "restore")
    assert (count(world, author), comments()) == (1, 2)
    act(world, moderator, case, "hide")
    world.sql("DELETE FROM posts WHERE id = $1 RETURNING 1", post["id"])
    assert count(world, author) == 0
    assert answer


def test_what_is_restored_is_as_it_was(world: World, moderator: Person) -> None:
    author, reader = world.person(), world.person()
    post, case = reported_post(world, author)
    world.post(f"{POSTS}/{post['id']}/like", reader)
    before = world.get(f"{POSTS}/{post['id']}", reader).json()
    act(world, moderator, case, "hide")
    found = act(world, moderator, case, "restore")
    assert (found["state"], found["hidden_as"]) == ("RESOLVED", None)
    after = world.get(f"{POSTS}/{post['id']}", reader).json()
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert world.put(f"{POSTS}/{post['id']}", author, {"description": "better"}).status_code == 200


def test_its_author_may_delete_what_is_hidden_and_then_nobody_restores_it(
    world: World, moderator: Person
) -> None:
    author = world.person()
    post, case = reported_post(world, author)
    said = comment(world, author, post["id"])
    report(world, world.person(), "comment", said)
    act(world, moderator, case_of(world, said), "hide")
    act(world, moderator, case, "hide")
    assert world.delete(f"{POSTS}/{post['id']}", world.person()).status_code == 404
    assert world.delete(f"/api/v1/comments/{said}", world.person()).status_code == 404
    assert world.delete(f"{POSTS}/{post['id']}", author).status_code == 204
    assert world.get(f"{POSTS}/{post['id']}", author).status_code == 404
    assert world.delete(f"/api/v1/comments/{said}", author).status_code == 204
    assert world.get(f"/api/v1/comments/{said}", author).status_code == 404
    assert refusal(world, moderator, case, "restore") == (409, "not_hidden")
    assert refusal(world, moderator, case_of(world, said), "restore") == (409, "not_hidden")
    assert count(world, author) == 0


def test_a_hidden_comment_leaves_a_tombstone_and_its_writer_reads_why(
    world: World, moderator: Person
) -> None:
    author, writer = world.person(), world.person()
    post = write(world, author)["id"]
    said = comment(world, writer, post, "Rude words")
    world.post(f"/api/v1/comments/{said}/replies", author, {"text": "Please"})
    report(world, author, "comment", said)
    case = case_of(world, said)
    act(world, moderator, case, "hide")
    for who in (author, None):
        (shown,) = world.get(f"{POSTS}/{post}/comments", who).json()["data"]
        assert (shown["deleted"], shown["text"], shown["author"]) == (True, None, None)
        assert world.get(f"/api/v1/comments/{said}", who).json()["text"] is None
    own = world.get(f"/api/v1/comments/{said}", writer).json()
    assert (own["text"], own["moderation"]["reason"]) == ("Rude words", REASON["reason"])
    answer = world.put(f"/api/v1/comments/{said}", writer, {"text": "Kind words"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "hidden")
    act(world, moderator, case, "restore")
    assert world.get(f"/api/v1/comments/{said}", author).json()["text"] == "Rude words"


def test_a_hidden_business_and_what_it_posts_are_gone(world: World, moderator: Person) -> None:
    owner, reader = world.person(), world.person()
    shop = world.post("/api/v1/businesses", owner, {"name": "Bakery"}).json()["id"]
    post = write(world, owner, business_id=shop)
    report(world, reader, "business", shop)
    case = case_of(world, shop)
    act(world, moderator, case, "hide")
    assert world.get(f"/api/v1/businesses/{shop}", reader).status_code == 404
    assert world.put(f"/api/v1/businesses/{shop}", owner, {"status": True}).status_code == 404
    assert world.get(f"{POSTS}/{post['id']}", reader).status_code == 404
    assert told(world, owner)[0] == ("Your business was hidden", REASON["reason"])
    act(world, moderator, case, "restore")
    assert world.get(f"/api/v1/businesses/{shop}", reader).status_code == 200


def test_of_an_account_that_is_gone_nobody_elses_is_closed(world: World, moderator: Person) -> None:
    """The address is free again, and may be that of a new account."""
    karim = world.person("Karim")
    report(world, world.person(), "user", karim.id)
    case = case_of(world, karim.id)
    assert world.delete("/api/v1/users/me/account?reason=bye", karim).status_code == 204
    new = world.post("/api/v1/auth/register", json={"email": karim.email, "password": PASSWORD})
    assert new.status_code == 201
    assert refusal(world, moderator, case, "suspend") == (404, "not_found")
    assert world.sql("SELECT 1 FROM users WHERE suspended_at IS NOT NULL") == []
    act(world, moderator, case, "dismiss")


def test_people_are_not_hidden(world: World, moderator: Person) -> None:
    karim = world.person()
    report(world, world.person(), "user", karim.id)
    for action in ("hide", "restore"):
        assert refusal(world, moderator, case_of(world, karim.id), action) == (409, "wrong_kind")


# ---- telling


def test_the_person_concerned_is_told_the_reason_and_never_who_reported(
    world: World, moderator: Person
) -> None:
    author, reporter = world.person(), world.person("Zarghuna")
    post = write(world, author)
    report(world, reporter, "post", post["id"], "Fraud", additional_comments="He took my money.")
    case = case_of(world, post["id"])
    act(world, moderator, case, "hide", reason="No <b>fraud</b> here.")
    act(world, moderator, case, "restore", reason="It was a mistake.")
    world.drain()
    assert told(world, author) == [
        ("Your post is shown", "It was a mistake."),
        ("Your post was hidden", "No <b>fraud</b> here."),
    ]
    (data, _) = (one["data"] for one in world.get("/api/v1/notifications", author).json()["data"])
    assert (data["post_id"], data["action"]) == (post["id"], "restore")
    letters = mails(world, author)
    assert any("No <b>fraud</b> here." in text for text in letters)
    assert any("It was a mistake." in text for text in letters)
    everything = "".join(
        [
            *letters,
            world.get("/api/v1/notifications", author).text,
            world.get(f"{POSTS}/{post['id']}", author).text,
        ]
    )
    for secret in (str(reporter.id), "Zarghuna", reporter.email, "He took my money", str(moderator.id)):
        assert secret not in everything
    assert told(world, reporter) == []


def test_of_a_dismissal_those_who_reported_are_told_and_nobody_else(world: World, moderator: Person) -> None:
    author = world.person()
    post, case = reported_post(world, author)
    reporter = world.person()
    report(world, reporter, "post", post["id"])
    found = act(world, moderator, case, "dismiss", reason="This is allowed.")
    world.drain()
    assert found["state"] == "DISMISSED"
    assert {one["status"] for one in found["reports"]} == {"DISMISSED"}
    assert told(world, reporter) == [("Your report was looked at", "This is allowed.")]
    assert (told(world, author), mails(world, author)) == ([], [])
    assert world.get(f"{POSTS}/{post['id']}", reporter).status_code == 200
    assert refusal(world, moderator, case, "dismiss") == (409, "closed")


@pytest.mark.rule("hamsaya:99")
def test_what_is_decided_can_be_reported_again(world: World, moderator: Person) -> None:
    author, reporter = world.person(), world.person()
    post = write(world, author)
    report(world, reporter, "post", post["id"])
    act(world, moderator, case_of(world, post["id"]), "dismiss")
    report(world, reporter, "post", post["id"])
    assert len(queue(world, moderator)) == 1
    assert len(queue(world, moderator, "state=DISMISSED")) == 1


def test_a_report_of_a_person_is_resolved_with_the_case(world: World, moderator: Person) -> None:
    karim, reporter = world.person(), world.person()
    report(world, reporter, "user", karim.id)
    act(world, moderator, case_of(world, karim.id), "suspend")
    assert world.sql("SELECT resolved FROM user_reports") == [{"resolved": True}]


@pytest.mark.parametrize("action", ACTIONS)
def test_every_decision_needs_a_reason(world: World, moderator: Person, action: str) -> None:
    _, case = reported_post(world)
    for body in ({}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 1001}, {"reason": 7}):
        assert faults(world.post(f"{CASES}/{case}/{action}", moderator, body)) == {"reason"}
    assert world.sql("SELECT 1 FROM audit_entries") == []


# ---- closing accounts


def test_a_suspended_person_is_out_at_once_and_reads_why(world: World, moderator: Person) -> None:
    karim, reader = world.person("Karim"), world.person()
    post, case = reported_post(world, karim)
    until = (clock.now() + timedelta(days=3)).replace(microsecond=0)
    found = act(world, moderator, case, "suspend", until=until.isoformat())
    assert found["person"]["suspended_until"] is not None
    assert world.get("/api/v1/users/me", karim).status_code == 401
    refreshed = world.post("/api/v1/auth/refresh", json={"refresh_token": karim.refresh_token})
    signed_in = world.post("/api/v1/auth/login", json={"email": karim.email, "password": PASSWORD})
    for answer in (refreshed, signed_in):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (403, "account_deactivated")
        assert REASON["reason"] in error["message"] and f"{until:%Y-%m-%d %H:%M}" in error["message"]
    world.drain()
    assert world.get(f"{POSTS}/{post['id']}", reader).status_code == 404
    assert world.get(f"/api/v1/users/{karim.id}", reader).status_code == 404
    assert any(REASON["reason"] in text and f"{until:%Y-%m-%d}" in text for text in mails(world, karim))
    found = act(world, moderator, case, "unsuspend", reason="We talked.")
    assert (found["person"]["suspended_at"], found["person"]["suspended_until"]) == (None, None)
    assert refusal(world, moderator, case, "unsuspend") == (409, "not_suspended")
    world.drain()
    assert (
        world.post("/api/v1/auth/login", json={"email": karim.email, "password": PASSWORD}).status_code == 200
    )
    assert world.get(f"{POSTS}/{post['id']}", reader).status_code == 200


def test_a_suspension_ends_with_its_time(
    world: World, moderator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    karim, samir = world.person("Karim"), world.person("Samir")
    for who in (karim, samir):
        report(world, world.person(), "user", who.id)
    until = clock.now() + timedelta(hours=2)
    act(world, moderator, case_of(world, karim.id), "suspend", until=until.isoformat())
    act(world, moderator, case_of(world, samir.id), "suspend")
    world.go(handlers.lift_suspensions(world.app))

    def closed() -> set[str]:
        found = world.sql("SELECT email FROM users WHERE suspended_at IS NOT NULL")
        return {row["email"] for row in found}

    assert closed() == {karim.email, samir.email}
    monkeypatch.setattr(clock, "now", lambda: until)
    for _ in range(2):
        world.go(handlers.lift_suspensions(world.app))
    assert closed() == {samir.email}
    world.drain()
    assert len([text for text in mails(world, karim) if "is open again" in text]) == 1
    lifted = world.sql("SELECT actor_role, person_id FROM audit_entries WHERE action = 'unsuspend'")
    assert lifted == [{"actor_role": "system", "person_id": karim.id}]
    answer = world.post("/api/v1/auth/login", json={"email": karim.email, "password": PASSWORD})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "until", ["yesterday", "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2031-01-01T00:00:00", 7]
)
def test_a_suspension_ends_at_some_time_ahead(world: World, moderator: Person, until: Any) -> None:
    _, case = reported_post(world)
    body = {**REASON, "until": until}
    answer = world.post(f"{CASES}/{case}/suspend", moderator, body)
    assert faults(answer) == {"until"}


# ---- who may


@pytest.mark.parametrize(
    "actor, person, allowed",
    [
        ("moderator", "user", True),
        ("moderator", "moderator", False),
        ("moderator", "admin", False),
        ("admin", "user", True),
        ("admin", "moderator", True),
        ("admin", "admin", True),
    ],
)
def test_moderators_act_on_members_and_admins_on_all(
    world: World, actor: str, person: str, allowed: bool
) -> None:
    who = world.person(role=actor)
    _, case = reported_post(world, world.person(role=person))
    if allowed:
        act(world, who, case, "claim")
        act(world, who, case, "hide")
        act(world, who, case, "suspend")
        return
    for action in (*ACTIONS, "claim"):
        assert refusal(world, who, case, action) == (403, "outranked")
    act(world, who, case, "escalate")
    assert world.sql("SELECT 1 FROM audit_entries WHERE action <> 'escalate'") == []


def test_nobody_acts_on_themselves(world: World) -> None:
    admin = world.person(role="admin")
    _, case = reported_post(world, admin)
    for action in (*ACTIONS, "claim", "escalate"):
        assert refusal(world, admin, case, action) == (404, "not_found")
