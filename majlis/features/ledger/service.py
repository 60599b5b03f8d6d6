"""Verbs of the ledger: write down, and look. Nothing in it is ever changed."""

from collections.abc import Sequence
from uuid import UUID

from majlis.features.ledger import store
from majlis.features.ledger.model import Entry, Line, Sum, of_user
from majlis.kit import clock, ids, page, paged
from majlis.kit.db import Reader, Tx
from majlis.kit.me import Me


async def post(tx: Tx, me: Me, cause: str, source: UUID, currency: str, lines: Sequence[Line]) -> bool:
    """Write down, once for this cause and source, what accounts get and give; whether it was not there before.

    For the system. Lines of one account are joined; the database refuses what does not sum to zero.
    """
    me.require_role("admin")
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.account] = sums.get(line.account, 0) + line.amount
    names = sorted(name for name, amount in sums.items() if amount)
    amounts = [sums[name] for name in names]
    entered = await tx.one(store.POST, ids.new(), cause, source, currency, clock.now(), names, amounts)
    return bool(entered)


async def balances(tx: Reader, me: Me, account: str) -> list[Sum]:
    """What an account holds, by currency; for the system."""
    me.require_role("admin")
    return await tx.all(store.BALANCES, account)


async def hold(tx: Tx, me: Me, account: str) -> None:
    """Let no other transaction hold this account until this one ends; for the system."""
    me.require_role("admin")
    await tx.one(store.HOLD_ACCOUNT, account)


async def earners(tx: Reader, me: Me, after: str) -> list[tuple[str, UUID, str]]:
    """(account, whose, currency) where something is owed to people, 500 behind this account; for the system."""
    me.require_role("admin")
    found = await tx.all(store.EARNERS, after)
    return [(one.account, UUID(one.account.removeprefix("user:")), one.currency) for one in found]


async def entries(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Entry]:
    """The caller's account line by line, the newest first."""
    lists = (store.ENTRIES, store.ENTRIES_FIRST, store.ENTRIES_TOTAL)
    return await paged.rows(tx, "ledger", lists, of_user(me.user()), paging)
