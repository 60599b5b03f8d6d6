"""The audit trail: every action is in it, nothing leaves it, and admins read it."""

from typing import Any

import asyncpg
import pytest

from majlis.features.moderation import service
from majlis.kit.errors import Conflict, NotFound
from majlis.kit.me import Me
from tests.features.moderation.cases import AUDIT, act, report, reported_post
from tests.world import Person, World

ENTRY = {
    "id", "actor_id", "actor_role", "session_id", "ip", "action", "kind", "target_id", "person_id", "case_id", "reason",
    "data", "created_at",
}  # fmt: skip


@pytest.fixture
def moderator(world: World) -> Person:
    return world.person("Moderator", role="moderator")


@pytest.fixture
def admin(world: World) -> Person:
    return world.person("Admin", role="admin")


def trail(world: World, who: Person, query: str = "") -> list[dict[str, Any]]:
    answer = world.get(f"{AUDIT}?{query}", who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_every_action_lands_in_the_trail(world: World, moderator: Person, admin: Person) -> None:
    author = world.person()
    post, case = reported_post(world, author)
    for action in ("hide", "restore", "suspend", "unsuspend", "escalate"):
        if action != "escalate":
            act(world, moderator, case, action, reason=f"{action}: because")
    _, other = reported_post(world)
    act(world, moderator, other, "escalate", reason="escalate: because")
    act(world, admin, other, "dismiss", reason="dismiss: because")
    rule = {"kind": "word", "pattern": "scam", "action": "hold", "note": "asked for"}
    made = world.post("/api/v1/moderation/filters", moderator, rule).json()
    world.delete(f"/api/v1/moderation/filters/{made['id']}", moderator)
    found = trail(world, admin)
    assert [one["action"] for one in found] == [
        "remove_filter", "add_filter", "dismiss", "escalate", "unsuspend", "suspend", "restore", "hide",
    ]  # fmt: skip
    hidden = found[-1]
    assert set(hidden) == ENTRY
    assert (hidden["actor_id"], hidden["actor_role"]) == (str(moderator.id), "moderator")
    assert (hidden["session_id"], hidden["ip"]) == (str(moderator.me.session), "127.0.0.1")
    assert (hidden["kind"], hidden["target_id"], hidden["case_id"]) == ("post", post["id"], case)
    assert (hidden["person_id"], hidden["reason"]) == (str(author.id), "hide: because")
    assert found[1]["data"] == {"kind": "word", "pattern": "scam", "action": "hold"}


def test_a_decision_that_fails_leaves_no_entry(world: World, moderator: Person, admin: Person) -> None:
    _, case = reported_post(world)
    answer = world.post(f"/api/v1/moderation/cases/{case}/restore", moderator, {"reason": "x"})
    assert answer.status_code == 409
    assert trail(world, admin) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET reason = 'other'",
        "UPDATE audit_entries SET reason = 'other' WHERE false",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ],
)
def test_nothing_in_the_trail_is_changed_or_deleted(world: World, moderator: Person, statement: str) -> None:
    _, case = reported_post(world)
    act(world, moderator, case, "hide")

    async def attempt() -> None:
        async with world.app.db.tx() as tx:
            await tx.run(statement)

    with pytest.raises(asyncpg.RestrictViolationError):
        world.go(attempt())
    assert world.sql("SELECT reason FROM audit_entries") == [{"reason": "Fraud: the carpet does not exist."}]


def test_the_trail_outlives_those_it_names(world: World, moderator: Person, admin: Person) -> None:
    author = world.person()
    _, case = reported_post(world, author)
    act(world, moderator, case, "hide")
    world.sql("DELETE FROM users WHERE id = ANY($1::uuid[]) RETURNING 1", [author.id, moderator.id])
    (entry,) = trail(world, admin)
    assert (entry["person_id"], entry["actor_id"]) == (str(author.id), str(moderator.id))
    assert world.sql("SELECT 1 FROM moderation_cases") == []


def test_admins_alone_read_the_trail(world: World, moderator: Person) -> None:
    assert world.get(AUDIT, moderator).status_code == 403
    assert world.get(AUDIT, world.person()).status_code == 403
    assert world.get(AUDIT).status_code == 401


def test_the_trail_is_filtered_and_paged(world: World, moderator: Person, admin: Person) -> None:
    (one, first), (two, second) = (reported_post(world) for _ in range(2))
    act(world, moderator, first, "hide")
    act(world, admin, second, "hide")
    act(world, admin, second, "restore")
    whole = trail(world, admin)
    queries = {
        f"actor_id={moderator.id}": whole[2:],
        f"person_id={two['user_id']}": whole[:2],
        f"target_id={one['id']}": whole[2:],
        f"case_id={second}&action=hide": whole[1:2],
        "kind=user": [],
        "since=2000-01-01T00:00:00Z&before=2999-01-01T00:00:00Z": whole,
        "before=2000-01-01T00:00:00Z": [],
    }
    for query, wanted in queries.items():
        assert trail(world, admin, query) == wanted, query
    page = world.get(f"{AUDIT}?limit=2", admin).json()
    rest = world.get(f"{AUDIT}?limit=2&cursor={page['next_cursor']}", admin).json()
    assert page["data"] + rest["data"] == whole
    assert rest["next_cursor"] is None
    assert world.get(f"{AUDIT}?offset=1", admin).json()["total"] == 3
    for query in ("actor_id=me", "since=then", "action=" + "x" * 51):
        answer = world.get(f"{AUDIT}?{query}", admin)
        assert [fault["field"] for fault in answer.json()["error"]["details"]] == [query.partition("=")[0]]


def test_what_operators_do_by_command_is_in_the_trail(world: World, admin: Person) -> None:
    karim = world.person()

    async def run() -> None:
        app = world.app
        async with app.db.tx() as tx:
            await service.suspend(app, tx, Me.system, karim.email, True, "Threats.")
            await service.suspend(app, tx, Me.system, karim.email, False, "We talked.")
            await service.set_role(app, tx, Me.system, karim.email, "moderator")

    world.go(run())
    found = trail(world, admin)
    assert [(one["action"], one["actor_role"], one["actor_id"]) for one in found] == [
        ("role", "system", None),
        ("unsuspend", "system", None),
        ("suspend", "system", None),
    ]
    assert {one["person_id"] for one in found} == {str(karim.id)}

    async def wrong(email: str, suspended: bool) -> None:
        async with world.app.db.tx() as tx:
            await service.suspend(world.app, tx, Me.system, email, suspended, "x")

    with pytest.raises(NotFound):
        world.go(wrong("nobody@example.org", True))
    with pytest.raises(Conflict):
        world.go(wrong(karim.email, False))


@pytest.mark.settings(rate_limits="on")
def test_reports_are_limited(world: World) -> None:
    amina = world.person()
    people = [world.person() for _ in range(21)]
    for who in people[:20]:
        report(world, amina, "user", who.id)
    answer = world.post(f"/api/v1/users/{people[20].id}/report", amina, {"reason": "Spam"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limited")
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    report(world, world.person(), "user", people[20].id)
