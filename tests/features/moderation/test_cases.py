"""Reports become cases: one about each thing, listed for moderators, claimed, escalated."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from tests.features.moderation.cases import CASES, act, comment, queue, refusal, report, reported_post
from tests.features.posts.writing import block, write
from tests.features.queries import counted
from tests.world import Person, World

CASE = {
    "id", "kind", "target_id", "person", "state", "source", "total_reports", "escalated", "hidden_as", "claimed_by",
    "claimed_at", "excerpt", "opened_at", "reported_at", "decided_at",
}  # fmt: skip


@pytest.fixture
def moderator(world: World) -> Person:
    return world.person("Moderator", role="moderator")


@pytest.fixture
def admin(world: World) -> Person:
    return world.person("Admin", role="admin")


def test_reports_of_one_thing_are_one_case(world: World, moderator: Person) -> None:
    author = world.person("Karim")
    post = write(world, author, "SELL", title="Carpet", description="Money first")
    for reason in ("Fraud", "Spam", "Fraud"):
        report(world, world.person(), "post", post["id"], reason)
    (case,) = queue(world, moderator)
    assert set(case) == CASE
    assert (case["kind"], case["target_id"], case["state"], case["source"]) == (
        "post", post["id"], "PENDING", "report",
    )  # fmt: skip
    assert (case["total_reports"], case["excerpt"], case["claimed_by"]) == (3, "Carpet", None)
    assert (case["person"]["id"], case["person"]["first_name"]) == (str(author.id), "Karim")
    assert (case["hidden_as"], case["escalated"], case["decided_at"]) == (None, False, None)


def test_every_kind_of_report_is_in_the_queue(world: World, moderator: Person) -> None:
    author, reporter = world.person("Karim"), world.person()
    post = write(world, author)["id"]
    said = comment(world, author, post, "Rude words")
    shop = world.post("/api/v1/businesses", author, {"name": "Bakery"}).json()["id"]
    targets = {"user": str(author.id), "post": post, "comment": said, "business": shop}
    for kind, target in targets.items():
        report(world, reporter, kind, target)
    found = {case["kind"]: case for case in queue(world, moderator)}
    assert {kind: case["target_id"] for kind, case in found.items()} == targets
    assert {case["person"]["id"] for case in found.values()} == {str(author.id)}
    assert found["comment"]["excerpt"] == "Rude words"
    assert found["user"]["excerpt"] == "Karim Test"
    assert found["business"]["excerpt"] == "Bakery"
    for kind in targets:
        assert [case["kind"] for case in queue(world, moderator, f"kind={kind}")] == [kind]
    assert len(queue(world, moderator, "kind=post&kind=user")) == 2


def test_a_second_report_by_the_same_person_counts_once(world: World, moderator: Person) -> None:
    post, _ = reported_post(world)
    amina = world.person()
    path = f"/api/v1/posts/{post['id']}/report"
    assert [world.post(path, amina, {"reason": "Spam"}).status_code for _ in range(2)] == [201, 200]
    assert [case["total_reports"] for case in queue(world, moderator)] == [2]


def test_the_queue_is_sorted_and_paged(world: World, moderator: Person) -> None:
    cases = [reported_post(world) for _ in range(5)]
    for extra, (post, _) in zip((0, 2, 1, 0, 2), cases, strict=True):
        for _ in range(extra):
            report(world, world.person(), "post", post["id"])
    order = {
        "reports": [case["id"] for case in queue(world, moderator)],
        "recent": [case["id"] for case in queue(world, moderator, "sort=recent")],
        "oldest": [case["id"] for case in queue(world, moderator, "sort=oldest")],
    }
    ids = [case for _, case in cases]
    assert order["reports"] == [ids[4], ids[1], ids[2], ids[3], ids[0]]
    assert order["recent"] == [ids[4], ids[2], ids[1], ids[3], ids[0]]
    assert order["oldest"] == ids
    for sort, wanted in order.items():
        seen, cursor = [], ""
        while cursor is not None:
            page = world.get(f"{CASES}?sort={sort}&limit=2{cursor and '&cursor=' + cursor}", moderator).json()
            seen += [case["id"] for case in page["data"]]
            cursor = page["next_cursor"]
        assert seen == wanted
    page = world.get(f"{CASES}?offset=4&limit=2", moderator).json()
    assert (page["total"], len(page["data"]), page["next_cursor"]) == (5, 1, None)


def test_the_queue_is_filtered(world: World, moderator: Person) -> None:
    (one, first), (_, second), (_, third) = (reported_post(world) for _ in range(3))
    other = world.person(role="moderator")
    act(world, moderator, first, "claim")
    act(world, other, second, "claim")
    act(world, moderator, third, "escalate")

    def ids(query: str) -> set[str]:
        return {case["id"] for case in queue(world, moderator, query)}

    assert ids("claimed=me") == {first}
    assert ids("claimed=others") == ids(f"claimed_by={other.id}") == {second}
    assert ids("claimed=nobody") == ids("escalated=true") == ids("state=PENDING") == {third}
    assert ids("state=REVIEWED") == {first, second}
    assert ids(f"person_id={one['user_id']}") == ids(f"target_id={one['id']}") == {first}
    act(world, moderator, first, "dismiss")
    assert ids("") == {second, third}
    assert ids("state=DISMISSED") == {first}
    assert ids("state=DISMISSED&state=REVIEWED") == {first, second}


@pytest.mark.parametrize(
    "query",
    ["state=OPEN", "kind=event", "claimed=you", "claimed_by=me", "sort=best", "limit=0", "escalated=7"],
)
def test_a_bad_filter_is_named(world: World, moderator: Person, query: str) -> None:
    answer = world.get(f"{CASES}?{query}", moderator)
    assert answer.status_code == 422
    (fault,) = answer.json()["error"]["details"]
    assert fault["field"].partition("[")[0] == query.partition("=")[0]


def test_the_queue_costs_one_query_however_long(world: World, moderator: Person) -> None:
    reported_post(world)

    def cost() -> int:
        with counted(world) as seen:
            queue(world, moderator)
        return len(seen)

    cost()  # who is calling is remembered from now on
    few = cost()
    for _ in range(4):
        reported_post(world)
    assert (few, cost()) == (1, 1)


# ---- one case


def test_a_case_shows_what_was_there_and_what_is_there_now(world: World, moderator: Person) -> None:
    author = world.person()
    post, case = reported_post(world, author, title="Carpet", description="Money first")
    reporter = world.person("Amina")
    report(world, reporter, "post", post["id"], "Fraud", additional_comments="He took it.")
    world.put(f"/api/v1/posts/{post['id']}", author, {"description": "Pay when you see it"})
    found = world.get(f"{CASES}/{case}", moderator).json()
    assert set(found) == CASE | {"snapshot", "current", "reports", "history"}
    assert found["snapshot"]["description"] == "Money first"
    assert found["current"]["description"] == "Pay when you see it"
    assert [one["reason"] for one in found["reports"]] == ["Fraud", "Spam"]
    latest = found["reports"][0]
    assert (latest["reporter_id"], latest["first_name"]) == (str(reporter.id), "Amina")
    assert (latest["words"], latest["status"]) == ("He took it.", "PENDING")
    assert found["history"] == []
    world.delete(f"/api/v1/posts/{post['id']}", author)
    assert world.get(f"{CASES}/{case}", moderator).json()["current"]["deleted_at"] is not None


def test_a_case_tells_what_was_decided_about_the_person_before(world: World, moderator: Person) -> None:
    author = world.person()
    first, second = (reported_post(world, author)[1] for _ in range(2))
    act(world, moderator, first, "hide", reason="Once too often.")
    (entry,) = world.get(f"{CASES}/{second}", moderator).json()["history"]
    assert (entry["action"], entry["reason"], entry["case_id"]) == ("hide", "Once too often.", first)
    assert (entry["actor_id"], entry["first_name"]) == (str(moderator.id), "Moderator")


def test_a_case_is_read_in_few_queries(world: World, moderator: Person) -> None:
    post, case = reported_post(world)
    world.get(f"{CASES}/{case}", moderator)
    for _ in range(3):
        report(world, world.person(), "post", post["id"])
    with counted(world) as seen:
        world.get(f"{CASES}/{case}", moderator)
    assert len(seen) == 4


def test_moderators_see_all_but_what_is_about_themselves(world: World, moderator: Person) -> None:
    """They would learn who reported them."""
    _, case = reported_post(world, moderator)
    assert queue(world, moderator) == []
    for path in ("", "/claim", "/dismiss", "/escalate"):
        body = {} if path in ("", "/claim") else {"json": {"reason": "x"}}
        method = "POST" if path else "GET"
        assert world.request(method, f"{CASES}/{case}{path}", moderator, **body).status_code == 404
    assert len(queue(world, world.person(role="moderator"))) == 1
    block(world, moderator, world.person())
    author = world.person()
    block(world, author, moderator)
    other, _ = reported_post(world, author)
    assert [one["target_id"] for one in queue(world, moderator)] == [other["id"]]


def test_members_see_nothing_of_it(world: World) -> None:
    _, case = reported_post(world)
    amina = world.person()
    for who, status in ((amina, 403), (None, 401)):
        assert world.get(CASES, who).status_code == status
        assert world.get(f"{CASES}/{case}", who).status_code == status
        assert world.post(f"{CASES}/{case}/hide", who, {"reason": "x"}).status_code == status


def test_what_is_no_case_is_not_found(world: World, moderator: Person) -> None:
    for case in (str(uuid4()), "nothing"):
        assert world.get(f"{CASES}/{case}", moderator).status_code == 404
        assert refusal(world, moderator, case, "hide") == (404, "not_found")


def test_a_moderator_opens_a_case_without_a_report(world: World, moderator: Person) -> None:
    post = write(world, world.person())
    body = {"kind": "post", "target_id": post["id"]}
    made = world.post(CASES, moderator, body)
    assert (made.status_code, made.json()["source"], made.json()["total_reports"]) == (201, "moderator", 0)
    again = world.post(CASES, moderator, body)
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    report(world, world.person(), "post", post["id"])
    assert [case["total_reports"] for case in queue(world, moderator)] == [1]
    private = write(world, world.person(), visibility="PRIVATE")
    for wrong in ({"target_id": private["id"]}, {"target_id": str(uuid4())}, {"kind": "comment"}):
        assert world.post(CASES, moderator, {**body, **wrong}).status_code == 404
    for wrong, field in (({"kind": "event"}, "kind"), ({"target_id": "x"}, "target_id")):
        answer = world.post(CASES, moderator, {**body, **wrong})
        assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


# ---- whose case it is


def test_a_claimed_case_is_nobody_elses_for_an_hour(world: World, moderator: Person, admin: Person) -> None:
    _, case = reported_post(world)
    other = world.person(role="moderator")
    found = act(world, moderator, case, "claim")
    assert (found["state"], found["claimed_by"]) == ("REVIEWED", str(moderator.id))
    assert [one["status"] for one in found["reports"]] == ["REVIEWED"]
    for action in ("claim", "hide", "dismiss"):
        assert refusal(world, other, case, action) == (409, "claimed")
    act(world, moderator, case, "claim")
    act(world, admin, case, "claim")
    assert refusal(world, moderator, case, "hide") == (409, "claimed")
    world.sql("UPDATE moderation_cases SET claimed_at = claimed_at - interval '61 minutes' RETURNING 1")
    act(world, other, case, "claim")
    released = world.delete(f"{CASES}/{case}/claim", other).json()
    assert (released["state"], released["claimed_by"], released["claimed_at"]) == ("PENDING", None, None)
    assert [one["status"] for one in released["reports"]] == ["PENDING"]
    act(world, moderator, case, "hide")
    assert refusal(world, moderator, case, "claim") == (409, "closed")


def test_an_escalated_case_waits_for_an_admin(world: World, moderator: Person, admin: Person) -> None:
    _, case = reported_post(world)
    act(world, moderator, case, "claim")
    found = act(world, moderator, case, "escalate", reason="I know him.")
    assert (found["escalated"], found["state"], found["claimed_by"]) == (True, "PENDING", None)
    assert [(one["action"], one["reason"]) for one in found["history"]] == [("escalate", "I know him.")]
    for action in ("claim", "hide", "dismiss"):
        assert refusal(world, moderator, case, action) == (403, "escalated")
    act(world, admin, case, "dismiss")
    assert refusal(world, admin, case, "escalate") == (409, "closed")


# ---- at the same moment


def _report_at_once(world: World) -> list[dict[str, Any]]:
    """Ten people report the same person at the same moment; the cases that come of it."""
    karim, people = world.person(), [world.person() for _ in range(10)]

    async def send(who: Person) -> int:
        path = f"/api/v1/users/{karim.id}/report"
        return (await world.http.post(path, headers=who.auth, json={"reason": "Spam"})).status_code

    async def run() -> list[int]:
        return await asyncio.gather(*(send(who) for who in people))

    assert Counter(world.go(run())) == {201: 10}
    return world.sql("SELECT total_reports FROM moderation_cases")


def test_reports_by_many_at_once_are_one_case(clone: World) -> None:
    assert _report_at_once(clone) == [{"total_reports": 10}]


def test_control_without_the_index_they_are_many(clone: World) -> None:
    clone.sql("DROP INDEX moderation_cases_open")
    (found,) = clone.sql("SELECT pg_get_functiondef('moderation_case_open'::regproc) AS text")
    text = found["text"]
    start, end = text.index("ON CONFLICT"), text.index("RETURNING id")
    clone.sql(text[:start] + text[end:])
    assert len(_report_at_once(clone)) == 10


def _decide_at_once(world: World) -> Counter[int]:
    _, case = reported_post(world)
    moderators = [world.person(role="moderator") for _ in range(6)]

    async def send(who: Person) -> int:
        body = {"reason": "Fraud"}
        return (await world.http.post(f"{CASES}/{case}/hide", headers=who.auth, json=body)).status_code

    async def run() -> list[int]:
        return await asyncio.gather(*(send(who) for who in moderators))

    return Counter(world.go(run()))


def test_of_decisions_at_once_one_is_done(clone: World) -> None:
    assert _decide_at_once(clone) == {200: 1, 409: 5}
    assert len(clone.sql("SELECT 1 FROM audit_entries")) == 1
    assert clone.sql("SELECT posts_count FROM profiles WHERE posts_count <> 0") == []


def test_control_without_looking_at_what_is_hidden_all_are_done(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from majlis.features.posts import store

    monkeypatch.setattr(
        store, "HIDE", store.HIDE.replace("(deleted_at IS NULL OR hidden_as <> 'HIDDEN')", "true")
    )
    assert _decide_at_once(clone) == {200: 6}
