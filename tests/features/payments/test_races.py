"""The same thing at the same moment. Every race is also run with its guard off, where it must go wrong."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from majlis.features.ledger import store as books_store
from majlis.features.payments import service, store
from majlis.features.payments.model import TooMuchBack
from majlis.kit.db import Query
from majlis.kit.me import Me
from majlis.vendors.stripe import Intent
from majlis.vendors.stripe_fake import Fake, signed
from tests.features.payments.paying import (
    FEE,
    PRICE,
    WEBHOOK,
    balanced,
    books,
    hear,
    intent,
    paid,
    start,
    told,
)
from tests.waiting import until_waiting
from tests.world import World

TIMES = 4


async def held_back(world: World, table: str, works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """All come to where they wait to write to this table, or for those before them, and then go on together."""
    async with world.app.db.tx() as holder:
        await holder.run(f"LOCK TABLE {table} IN SHARE MODE")
        tasks = []
        for work in works:
            tasks.append(asyncio.ensure_future(work()))
            await until_waiting(world, len(tasks), *tasks)
    return list(await asyncio.gather(*tasks, return_exceptions=True))


# ---- hearing of it


def test_deliveries_at_once_are_taken_in_once(city: World, stripe: Fake) -> None:
    begun = start(city, city.person(), city.person())
    stripe.do("pay", intent(begun))
    body, headers = signed(stripe.take()[-1])
    works = [lambda: city.http.post(WEBHOOK, content=body, headers=headers)] * TIMES
    answers = city.go(held_back(city, "stripe_events", works))
    assert [answer.status_code for answer in answers] == [200] * TIMES
    assert len(told(city, "payments.handlers.follow:PaymentReported")) == 1


def followed_at_once(city: World, stripe: Fake) -> list[Any]:
    """Several workers follow hints of the same payment."""
    begun = start(city, city.person(), city.person())
    stripe.do("pay", intent(begun))
    works = [lambda: service.sync(city.app, Me.system, intent(begun))] * TIMES
    return city.go(held_back(city, "payments", works))


def test_hints_followed_at_once_post_once_and_tell_once(
    city: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeeded: list[Any] = []
    before = service._succeeded

    async def noted(tx: Any, row: Any) -> None:
        succeeded.append(row.id)
        await before(tx, row)

    monkeypatch.setattr(service, "_succeeded", noted)
    assert followed_at_once(city, stripe) == [None] * TIMES
    assert len(succeeded) == 1
    assert balanced(city, stripe)


def test_control_without_lock_and_key_it_is_posted_several_times(
    city: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.sql("ALTER TABLE ledger_postings DROP CONSTRAINT ledger_postings_once")
    loose = books_store.POST.sql.replace("ON CONFLICT (cause, source) DO NOTHING", "")
    monkeypatch.setattr(books_store, "POST", Query(books_store.POST.row, loose))
    unlocked = store.HOLD_INTENT.sql.replace("FOR NO KEY UPDATE", "")
    monkeypatch.setattr(store, "HOLD_INTENT", Query(store.HOLD_INTENT.row, unlocked))
    assert followed_at_once(city, stripe) == [None] * TIMES
    assert not balanced(city, stripe)


def test_an_older_answer_that_comes_later_undoes_nothing(city: World, stripe: Fake) -> None:
    """One worker asked before the payment and writes after it."""
    begun = start(city, city.person(), city.person())
    older = city.go(city.app.stripe.intent(intent(begun)))
    stripe.do("pay", intent(begun))
    hear(city, stripe)

    async def late(answer: Intent) -> None:
        async with city.app.db.tx() as tx:
            await service._apply(tx, answer, [])

    city.go(late(older))
    assert city.sql("SELECT status FROM payments") == [{"status": "succeeded"}]
    assert balanced(city, stripe)


# ---- paying


def test_who_presses_the_button_at_once_gets_one_payment(city: World, stripe: Fake) -> None:
    amina = city.person()
    works = [lambda: service.start(city.app, amina.me, "test.order", "1", PRICE, "EUR", None, FEE)] * TIMES
    found = city.go(held_back(city, "payments", works))
    assert len({one.id for one in found}) == len({one.client_secret for one in found}) == 1
    assert len(stripe.books.of("payment_intent")) == 1


def test_control_without_the_key_there_are_several(
    city: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.sql("DROP INDEX payments_open")
    begin, _, rest = store.ADD.sql.partition("ON CONFLICT")
    monkeypatch.setattr(store, "ADD", Query(store.ADD.row, begin + rest[rest.index("RETURNING") :]))
    amina = city.person()
    works = [lambda: service.start(city.app, amina.me, "test.order", "1", PRICE, "EUR", None, FEE)] * TIMES
    city.go(held_back(city, "payments", works))
    assert len(stripe.books.of("payment_intent")) == TIMES


# ---- giving back


def refund(city: World, payment_id: Any, key: str, amount: int | None) -> Callable[[], Awaitable[Any]]:
    async def ask() -> Any:
        async with city.app.db.tx() as tx:
            return await service.refund(tx, Me.system, payment_id, key, amount)

    return ask


def given_back(city: World, stripe: Fake, amount: int | None, same_key: bool = False) -> Counter[str]:
    """How several refunds of one payment at once ended."""
    payment = paid(city, stripe, city.person(), city.person())
    works = [refund(city, payment.id, "k" if same_key else str(n), amount) for n in range(TIMES)]
    found = city.go(held_back(city, "payments", works))
    strange = [one for one in found if isinstance(one, Exception) and not isinstance(one, TooMuchBack)]
    assert strange == []
    return Counter(type(one).__name__ for one in found)


def settled(city: World, stripe: Fake) -> None:
    city.drain()
    hear(city, stripe)


def test_the_whole_is_given_back_once(city: World, stripe: Fake) -> None:
    assert given_back(city, stripe, None) == {"Refund": 1, "TooMuchBack": TIMES - 1}
    settled(city, stripe)
    assert stripe.books.balance["eur"] == 0
    assert books(city) == {}


def test_parts_at_once_are_never_more_than_the_whole(city: World, stripe: Fake) -> None:
    assert given_back(city, stripe, 400) == {"Refund": 2, "TooMuchBack": TIMES - 2}
    settled(city, stripe)
    assert stripe.books.balance["eur"] == PRICE - 800
    assert balanced(city, stripe)


def test_one_key_at_once_gives_back_once(city: World, stripe: Fake) -> None:
    assert given_back(city, stripe, 400, same_key=True) == {"Refund": TIMES}
    settled(city, stripe)
    assert stripe.books.balance["eur"] == PRICE - 400
    assert balanced(city, stripe)


def test_control_without_the_guards_more_is_given_back_than_was_paid(
    city: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.sql("ALTER TABLE payments DROP CONSTRAINT payments_refunded")
    city.sql("ALTER TABLE payments DROP CONSTRAINT payments_fee_refunded")
    monkeypatch.setattr(store, "HOLD", Query(store.HOLD.row, store.GET.sql))
    loose = store.RESERVE.sql.replace("AND refunded + $2 <= amount", "")
    monkeypatch.setattr(store, "RESERVE", Query(store.RESERVE.row, loose))
    assert given_back(city, stripe, None) == {"Refund": TIMES}
    assert city.sql("SELECT refunded FROM payments") == [{"refunded": PRICE * TIMES}]


def test_a_refund_sent_by_two_workers_at_once_is_one(city: World, stripe: Fake) -> None:
    payment = paid(city, stripe, city.person(), city.person())
    asked = city.go(refund(city, payment.id, "1", 300)())

    async def send() -> list[Any]:
        sends = (service.send_refund(city.app, Me.system, asked.id) for _ in range(TIMES))
        return list(await asyncio.gather(*sends))

    city.go(send())
    assert len(stripe.books.of("refund")) == 1
    assert balanced(city, stripe)


# ---- while Stripe thinks


OPEN_TRANSACTIONS = """SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%'"""


async def open_while_asked(city: World, stripe: Fake, work: Awaitable[Any]) -> int:
    """How many transactions are open while Stripe takes its time over a change."""
    stripe.fault = "slow"
    asking = asyncio.ensure_future(work)
    assert await asyncio.to_thread(stripe.entered.wait, 300)
    async with city.app.db.read() as tx:
        found: int = (await tx.records(OPEN_TRANSACTIONS))[0][0]
    stripe.release.set()
    await asking
    return found


def test_no_transaction_is_open_while_a_payment_is_made(city: World, stripe: Fake) -> None:
    amina = city.person()
    work = service.start(city.app, amina.me, "test.order", "1", PRICE, "EUR", None, FEE)
    assert city.go(open_while_asked(city, stripe, work)) == 0


def test_no_transaction_is_open_while_a_refund_is_sent(city: World, stripe: Fake) -> None:
    payment = paid(city, stripe, city.person(), city.person())
    asked = city.go(refund(city, payment.id, "1", 300)())
    assert city.go(open_while_asked(city, stripe, service.send_refund(city.app, Me.system, asked.id))) == 0


def test_control_inside_a_transaction_one_is_open(city: World, stripe: Fake) -> None:
    async def inside() -> None:
        async with city.app.db.tx() as tx:
            await tx.records("SELECT 1")
            await city.app.stripe.create_intent("k", PRICE, "EUR", payment="p", note="n")

    assert city.go(open_while_asked(city, stripe, inside())) == 1
