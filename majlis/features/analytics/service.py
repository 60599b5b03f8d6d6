"""Verbs of what operators see: count a day that is over, look."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from majlis.features.analytics import store
from majlis.features.analytics.model import MOST_DAYS, Analytics, Decisions, Jobs, Queue
from majlis.kit import clock
from majlis.kit.db import Reader, Tx
from majlis.kit.me import Me

SETTLED = timedelta(hours=1)  # after midnight, by when everything of the day before is committed
LIVE_DAYS = 3  # so many of the last, where they are not counted yet, are when somebody looks
CLAIM_LIFE = timedelta(hours=1)
MONTHS = 12


def _today() -> date:
    return clock.now().astimezone(UTC).date()


async def due(tx: Reader, me: Me) -> list[date]:
    """The days that are over and not counted yet, the first one first, at most a year; for the system."""
    me.require_role("admin")
    last, first = await tx.one(store.LAST), await tx.one(store.FIRST)
    end = (clock.now() - SETTLED).astimezone(UTC).date()  # is not over
    if first is None:
        return []
    begin = max(first if last is None else last + timedelta(days=1), end - timedelta(days=MOST_DAYS))
    return [begin + timedelta(days=n) for n in range((end - begin).days)]


async def count(tx: Tx, me: Me, day: date) -> None:
    """Count a day that is over, once; for the system."""
    me.require_role("admin")
    if await tx.run(store.COUNT, [day]):
        await tx.run(store.COUNT_MONEY, [day])
        await tx.run(store.FORGET, day)


async def erase(tx: Tx, me: Me, user_id: UUID) -> None:
    """Forget that somebody was here on a day that is not counted yet; for the system."""
    me.require_role("admin")
    await tx.run(store.ERASE, user_id)


async def analytics(tx: Reader, me: Me, days: int) -> Analytics:
    """How the server is used, for admins; six statements, each of a bounded part of its tables."""
    me.require_role("admin")
    now, today = clock.now(), _today()
    since = today - timedelta(days=days - 1)
    live = [today - timedelta(days=n) for n in range(min(days, LIVE_DAYS))]
    months = today.year * 12 + today.month - MONTHS
    first_month = date(months // 12, months % 12 + 1, 1)
    recent = [today - timedelta(days=n) for n in range(LIVE_DAYS)]
    return Analytics(
        days=await tx.all(store.DAYS, live, since),
        revenue=await tx.all(store.REVENUE, recent, first_month),
        queue=await tx.one(store.QUEUE, now - CLAIM_LIFE) or Queue(0, 0, 0, 0, None),
        decisions=await tx.one(store.DECISIONS, datetime.combine(since, time.min, UTC))
        or Decisions(0, None, None),
        jobs=await tx.one(store.JOBS) or Jobs(0, 0),
        connected=await tx.one(store.CONNECTED, now) or 0,
    )
