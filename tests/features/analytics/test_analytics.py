"""How the server is used, as its admins see it."""

import asyncio
import contextlib
from datetime import UTC, date, datetime
from typing import Any

import pytest

from majlis.features.analytics import handlers, service
from majlis.kit import clock
from majlis.kit.me import Me
from majlis.surfaces.realtime import hub
from majlis.vendors.stripe_fake import Fake
from tests.features.moderation.cases import act, comment, queue, report
from tests.features.payments.paying import paid
from tests.features.posts.writing import write
from tests.features.queries import counted
from tests.surfaces.realtime.talking import dm
from tests.surfaces.realtime.wires import CEILING_S, signed_in
from tests.waiting import until_waiting
from tests.world import PASSWORD, Person, World

PATH = "/api/v1/admin/analytics"
KEYS = ("day", "registered", "active", "posts", "comments", "messages")


def at(day: int, hour: int = 12, month: int = 3) -> contextlib.AbstractContextManager[None]:
    """A moment of a year in which nothing else happened."""
    return clock.frozen(datetime(2025, month, day, hour, tzinfo=UTC))


def shown(world: World, admin: Person, **params: Any) -> Any:
    answer = world.get(PATH, admin, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def days(found: Any) -> dict[str, tuple[int, ...]]:
    assert all(set(one) == set(KEYS) for one in found["days"])
    return {one["day"]: tuple(one[key] for key in KEYS[1:]) for one in found["days"]}


def say(world: World, who: Person, stream: str) -> None:
    answer = world.post(f"/api/v1/conversations/{stream[2:]}/messages", who, {"text": "salaam"})
    assert answer.status_code == 201, answer.text


def some_days(world: World) -> Person:
    """Three days in March; an admin of the last of them."""
    with at(1):
        amina, bilal = world.person(), world.person()
        post = write(world, amina)["id"]
        write(world, amina)
        comment(world, bilal, post, "Good bread")
        stream = dm(world, amina, bilal)
        for _ in range(3):
            say(world, amina, stream)
    with at(2, 23):
        tokens = world.post("/api/v1/auth/refresh", json={"refresh_token": bilal.refresh_token}).json()
        assert "access_token" in tokens, tokens
    with at(3):
        return world.person("Admin", role="admin")


EXPECTED = {
    "2025-03-01": (2, 2, 2, 1, 3),
    "2025-03-02": (0, 1, 0, 0, 0),
    "2025-03-03": (1, 1, 0, 0, 0),
}


@pytest.mark.rule("x18:R46")
def test_days_are_the_same_before_and_after_they_are_counted(world: World) -> None:
    """People who came and who were here, and what was written: the analytics dashboard of the rule."""
    admin = some_days(world)
    with at(3):
        assert days(shown(world, admin)) == EXPECTED
        world.go(handlers.count(world.app))
        assert {row["day"] for row in world.sql("SELECT day FROM analytics_days")} == {
            date(2025, 3, 1),
            date(2025, 3, 2),
        }
        assert world.sql("SELECT DISTINCT day FROM analytics_active") == [{"day": date(2025, 3, 3)}]
        assert days(shown(world, admin)) == EXPECTED
        assert days(shown(world, admin, days=1)) == {"2025-03-03": EXPECTED["2025-03-03"]}
        world.go(handlers.count(world.app))
        assert days(shown(world, admin)) == EXPECTED


def test_a_day_is_counted_when_all_of_it_is_committed(world: World) -> None:
    some_days(world)
    for hour, expected in ((0, 1), (1, 2)):
        with at(3, hour):
            world.go(handlers.count(world.app))
        assert len(world.sql("SELECT day FROM analytics_days")) == expected


def test_days_that_nobody_counted_are_made_up_for(world: World) -> None:
    """A year of them at most; what is older was never counted."""
    with at(1):
        world.person()
    with at(20):
        admin = world.person("Admin", role="admin")
        assert list(days(shown(world, admin))) == ["2025-03-18", "2025-03-19", "2025-03-20"]
        world.go(handlers.count(world.app))
        found = days(shown(world, admin))
    assert list(found) == [f"2025-03-{day:02}" for day in range(1, 21)]
    assert found["2025-03-01"] == (1, 1, 0, 0, 0) and found["2025-03-10"] == (0, 0, 0, 0, 0)


@pytest.mark.rule("x18:R46")
def test_revenue_by_month_and_currency(town: World, stripe: Fake) -> None:
    """What was paid, and the platform's part, out of the ledger: again the same before and after it is counted."""
    with at(27, month=2):
        amina, bilal = town.person(), town.person()
        paid(town, stripe, amina, bilal, amount=1000, fee=100)
    with at(1):
        paid(town, stripe, amina, bilal, amount=500, fee=50, reference="order-2")
        paid(town, stripe, amina, amount=300, fee=0, currency="USD", reference="order-3")
        admin = town.person("Admin", role="admin")
        expected = [
            {"month": "2025-02-01", "currency": "EUR", "turnover": 1000, "platform": 100},
            {"month": "2025-03-01", "currency": "EUR", "turnover": 500, "platform": 50},
            {"month": "2025-03-01", "currency": "USD", "turnover": 300, "platform": 300},
        ]
        assert shown(town, admin)["revenue"] == expected
        town.go(handlers.count(town.app))
        assert shown(town, admin)["revenue"] == expected
    with at(2):
        town.go(handlers.count(town.app))
        admin = town.person("Admin", role="admin")
        assert shown(town, admin, days=1)["revenue"] == expected


@pytest.mark.rule("x18:R46")
def test_what_waits_for_moderators_and_how_long_decisions_take(world: World) -> None:
    """The other half of the dashboard: reports, decisions, jobs that are held, and who is connected."""
    with at(1, 8):
        author, moderator = world.person(), world.person("Moderator", role="moderator")
        posts = [write(world, author)["id"] for _ in range(3)]
        for post in posts:
            report(world, world.person(), "post", post, "Spam")
        report(world, world.person(), "post", posts[0], "Fraud")
        for hours, case in zip((1, 3), queue(world, moderator)[1:], strict=True):
            with clock.frozen(datetime(2025, 3, 1, 8 + hours, tzinfo=UTC)):
                moderator = world.person("Moderator", role="moderator")
                act(world, moderator, case["id"], "dismiss")
    with at(1):
        world.sql("UPDATE moderation_cases SET escalated = true WHERE state = 'PENDING' RETURNING 1")
        admin = world.person("Admin", role="admin")
        found = shown(world, admin)
        opened = datetime(2025, 3, 1, 8, tzinfo=UTC).isoformat().replace("+00:00", "Z")
        assert found["queue"] == {"cases": 1, "reports": 2, "claimed": 0, "escalated": 1, "oldest": opened}
        assert found["decisions"] == {
            "decided": 2,
            "median_s": pytest.approx(7200),
            "slow_s": pytest.approx(10080),
        }
    with at(3):
        admin = world.person("Admin", role="admin")
        nothing = {"decided": 0, "median_s": None, "slow_s": None}
        assert shown(world, admin, days=1)["decisions"] == nothing


@pytest.mark.rule("x18:R46")
def test_jobs_that_are_held_and_people_who_are_connected(world: World) -> None:
    """What operators look at when something does not go on."""
    admin, amina = world.person("Admin", role="admin"), world.person()
    world.drain()
    assert shown(world, admin)["jobs"] == {"waiting": 0, "held": 0}
    write(world, amina)
    world.sql("UPDATE pgqueuer SET status = 'failed' WHERE id = (SELECT min(id) FROM pgqueuer) RETURNING 1")
    (stored,) = world.sql("SELECT count(*) AS jobs FROM pgqueuer WHERE status = 'queued'")
    assert shown(world, admin)["jobs"] == {"waiting": stored["jobs"], "held": 1}
    assert shown(world, admin)["connected"] == 0

    async def main() -> Any:
        async with signed_in(world, amina), signed_in(world, amina), signed_in(world, admin):
            await hub.of(world.app).board.write()
            return (await world.http.get(PATH, headers=admin.auth)).json()["connected"]

    assert world.go(main()) == 2


@pytest.mark.rule("x18:R46")
def test_only_admins_look(world: World) -> None:
    """Moderators see the queue, not the whole."""
    for role, status in (("user", 403), ("moderator", 403), ("admin", 200)):
        assert world.get(PATH, world.person(role=role)).status_code == status
    assert world.get(PATH).status_code == 401
    admin = world.person(role="admin")
    for days in (0, 367, "x"):
        assert world.get(PATH, admin, params={"days": days}).status_code == 422


def test_it_costs_the_same_whatever_there_is(world: World) -> None:
    with at(3):
        admin = world.person("Admin", role="admin")
        with counted(world) as seen:
            shown(world, admin)
    few = len(seen)
    some_days(world)
    with at(3):
        admin = world.person("Admin", role="admin")
        world.go(handlers.count(world.app))
        with counted(world) as seen:
            shown(world, admin, days=366)
    assert len(seen) == few


def test_two_that_count_a_day_at_once_count_it_once(clone: World) -> None:
    """The second stands until the first has committed, and finds the day counted."""
    with at(1):
        clone.person()
    day, counted_once, go_on = date(2025, 3, 1), asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with clone.app.db.tx() as tx:
            await service.count(tx, Me.system, day)
            counted_once.set()
            await go_on.wait()

    async def second() -> None:
        async with clone.app.db.tx() as tx:
            await service.count(tx, Me.system, day)

    async def main() -> None:
        one = asyncio.create_task(first())
        await counted_once.wait()
        two = asyncio.create_task(second())
        await until_waiting(clone, 1, two)
        go_on.set()
        await asyncio.gather(one, two)

    clone.go(main())
    assert clone.sql("SELECT day, registered FROM analytics_days") == [{"day": day, "registered": 1}]


def test_who_is_noted_does_not_wait_for_whom_else_is_noted(clone: World) -> None:
    """Two sessions of a person at once, each of which commits when the other has been noted; they are one person."""
    with at(1):
        amina = clone.person()
        clone.post("/api/v1/auth/login", json={"email": amina.email, "password": PASSWORD})
    found = [row["id"] for row in clone.sql("SELECT id FROM user_sessions")]
    noted = [asyncio.Event(), asyncio.Event()]

    async def use(mine: int) -> None:
        async with clone.app.db.tx() as tx:
            await tx.run("UPDATE user_sessions SET last_used_at = $2 WHERE id = $1", found[mine], clock.now())
            noted[mine].set()
            async with asyncio.timeout(CEILING_S):
                await noted[1 - mine].wait()

    async def main() -> None:
        await asyncio.gather(use(0), use(1))

    with at(2):
        clone.go(main())
    with at(3):
        admin = clone.person("Admin", role="admin")
        assert days(shown(clone, admin))["2025-03-02"][1] == 1
