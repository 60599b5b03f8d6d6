"""The ledger itself: it is only added to, and every posting sums to zero."""

from uuid import uuid4

import asyncpg
import pytest

from majlis.features.ledger import service
from majlis.features.ledger.model import Line
from majlis.kit.errors import Forbidden
from majlis.kit.me import Me
from majlis.vendors.stripe_fake import Fake
from tests.features.payments.paying import books, paid
from tests.world import World

TABLES = ("ledger_entries", "ledger_postings", "ledger_accounts")


def post(world: World, lines: list[Line], me: Me = Me.system, **options: object) -> bool:
    async def write() -> bool:
        async with world.app.db.tx() as tx:
            cause = str(options.get("cause", "test"))
            return await service.post(tx, me, cause, options.get("source", uuid4()), "EUR", lines)  # type: ignore[arg-type]

    return world.go(write())


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
def test_nothing_is_ever_taken_out(town: World, stripe: Fake, table: str, statement: str) -> None:
    paid(town, stripe, town.person(), town.person())
    with pytest.raises(asyncpg.RestrictViolationError, match="only added to"):
        town.sql(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET amount = 1",
        "UPDATE ledger_postings SET currency = 'USD'",
        "UPDATE ledger_accounts SET name = 'platform'",
    ],
)
def test_nothing_is_ever_changed(town: World, stripe: Fake, statement: str) -> None:
    paid(town, stripe, town.person(), town.person())
    with pytest.raises(asyncpg.RestrictViolationError, match="only added to"):
        town.sql(statement)


@pytest.mark.parametrize("amounts", [(5, -4), (5, 5), (1,)])
def test_what_does_not_sum_to_zero_is_refused(world: World, amounts: tuple[int, ...]) -> None:
    names = ("platform", "stripe")
    with pytest.raises(asyncpg.CheckViolationError, match="sums to zero"):
        post(world, [Line(name, amount) for name, amount in zip(names, amounts, strict=False)])
    assert books(world) == {}


def test_a_posting_cannot_be_added_to_later(world: World) -> None:
    post(world, [Line("platform", 5), Line("stripe", -5)])
    post(world, [Line(f"user:{uuid4()}", 2), Line("stripe", -2)])
    with pytest.raises(asyncpg.CheckViolationError, match="sums to zero"):
        world.sql(
            "INSERT INTO ledger_entries (posting_id, account, amount) SELECT p.id, a.name, 1"
            " FROM ledger_postings p CROSS JOIN ledger_accounts a WHERE NOT EXISTS"
            " (SELECT FROM ledger_entries e WHERE e.posting_id = p.id AND e.account = a.name)"
        )


def test_the_same_is_written_once(world: World) -> None:
    source = uuid4()
    lines = [Line("platform", 5), Line("stripe", -5)]
    assert [post(world, lines, source=source) for _ in range(2)] == [True, False]
    assert post(world, lines, source=source, cause="other")
    assert books(world) == {("platform", "EUR"): 10, ("stripe", "EUR"): -10}


def test_lines_of_one_account_are_one(world: World) -> None:
    post(world, [Line("platform", 5), Line("platform", 2), Line("stripe", -7)])
    assert books(world) == {("platform", "EUR"): 7, ("stripe", "EUR"): -7}


def test_an_account_has_a_name_that_is_known(world: World) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        post(world, [Line("petty cash", 5), Line("stripe", -5)])


def test_people_do_not_write_in_it(world: World) -> None:
    with pytest.raises(Forbidden):
        post(world, [Line("platform", 5), Line("stripe", -5)], me=world.person().me)
