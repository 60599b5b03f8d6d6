"""Verbs of payments: start, take back, hear from Stripe, keep the books.

Stripe is asked between transactions, never inside. What it tells is a hint: the object is asked for, and in whatever
order hints come, what is found is written under a lock and only moves forward.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from majlis.app import App
from majlis.features.ledger import service as ledger
from majlis.features.ledger.model import PLATFORM, STRIPE, Line, of_user
from majlis.features.payments import facts as happened
from majlis.features.payments import store
from majlis.features.payments.model import (
    MOST,
    OPEN,
    Balance,
    NotPaid,
    PayingOneself,
    Payment,
    PaymentOver,
    Refund,
    TooMuchBack,
)
from majlis.features.payments.store import RefundRow, Row
from majlis.kit import clock, currencies, facts, ids, log, page, paged
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Forbidden, Invalid, NotFound
from majlis.kit.me import Me
from majlis.vendors.stripe import Intent, PaymentsDisabled, Returned, StripeRefused

logger = log.get("majlis.payments")
TRIES = 3  # of a start that finds an older payment on other terms
NOTICE = timedelta(days=1)  # before what was to wait longer is paid out
RANK = {"created": 0, "open": 1, "processing": 1, "failed": 1, "canceled": 2, "succeeded": 3}
REFUND_RANK = {"requested": 0, "pending": 1, "succeeded": 2, "failed": 3}
FACTS = {
    "payment": happened.PaymentReported,
    "subscription": happened.SubscriptionReported,
    "account": happened.AccountReported,
}


def ready(app: App, me: Me) -> None:
    """Raises PaymentsDisabled. An open transaction is a fault of the program: Stripe would be asked inside it."""
    if app.db.held:
        raise RuntimeError("Stripe is asked outside of transactions: make the route idempotent=False")
    if not app.stripe.enabled:
        raise PaymentsDisabled()


# ---- paying


def check_terms(me: Me, amount: int, currency: str, payee: UUID | None, fee: int) -> None:
    """Raises Invalid naming the field, or PayingOneself."""
    if not 0 < amount <= MOST:
        raise Invalid.field("amount", "An amount is a positive number of minor units.")
    if currency not in currencies.CODES:
        raise Invalid.field("currency", "A currency is a code of ISO 4217.")
    if not 0 <= fee <= amount:
        raise Invalid.field("fee", "A fee is a part of the amount.")
    if payee is not None and payee == me.id:
        raise PayingOneself()


async def start(
    app: App,
    me: Me,
    purpose: str,
    reference: str,
    amount: int,
    currency: str,
    payee: UUID | None,
    fee: int,
    *,
    payable_from: datetime | None = None,
) -> Payment:
    """A payment by the caller, with the secret that the app pays with.

    The same again while it is under way; on other terms, a new one instead. What the payee gets is not paid out before
    `payable_from`. Raises Invalid, PayingOneself, StripeRefused, StripeUnavailable, PaymentsDisabled.
    """
    ready(app, me)
    check_terms(me, amount, currency, payee, fee)
    wanted = (amount, currency, payee, fee, payable_from)
    for _ in range(TRIES):
        row = await _under_way(app, me, purpose, reference, wanted)
        if row is None:
            continue
        if (row.amount, row.currency, row.payee_id, row.fee, row.payable_from) != wanted:
            await cancel(app, me, row.id)
            continue
        intent = await _intent_of(app, row)
        async with app.db.tx() as tx:
            found = await _apply(tx, intent, [])
        if found is not None and found.status != "canceled":
            return found.shown(intent.client_secret if found.status in OPEN else None)
    raise PaymentOver()


async def _under_way(
    app: App, me: Me, purpose: str, reference: str, wanted: tuple[int, str, UUID | None, int, datetime | None]
) -> Row | None:
    amount, currency, payee, fee, payable_from = wanted
    async with app.db.tx() as tx:
        added = await tx.one(
            store.ADD, ids.new(), me.user(), payee, purpose, reference, amount, currency, fee, payable_from, clock.now()
        )  # fmt: skip
        if added is not None:
            return added
        return await tx.one(store.UNDER_WAY, me.user(), purpose, reference)


async def _intent_of(app: App, row: Row) -> Intent:
    """The PaymentIntent of a payment, made if need be. One that is refused ends the payment."""
    if row.stripe_id is not None:
        return await app.stripe.intent(row.stripe_id)
    try:
        return await app.stripe.create_intent(
            f"payment-{row.id}", row.amount, row.currency, payment=str(row.id), note=row.purpose
        )
    except StripeRefused as refused:
        async with app.db.tx() as tx:
            await _end(tx, row.id, refused.code)
        raise


async def _end(tx: Tx, payment_id: UUID, failure: str) -> None:
    """End a payment that Stripe knows nothing of."""
    row = await tx.one(store.HOLD, payment_id)
    if row is not None and row.stripe_id is None and row.status == "created":
        await _move(tx, row, "canceled", None, failure)


async def cancel(app: App, me: Me, payment_id: UUID) -> Payment:
    """Let nobody pay this any more; a payment that was faster stays. Raises NotFound."""
    ready(app, me)
    async with app.db.tx() as tx:
        row = await _visible(tx, me, payment_id)
        if not me.is_system and row.payer_id != me.id:
            raise Forbidden()
        if row.stripe_id is None:
            await _end(tx, row.id, "canceled")
    if row.stripe_id is not None and row.status in OPEN:
        try:
            intent = await app.stripe.cancel_intent(f"payment-{row.id}-cancel", row.stripe_id)
        except StripeRefused:  # it is over already, one way or the other
            intent = await app.stripe.intent(row.stripe_id)
        async with app.db.tx() as tx:
            await _apply(tx, intent, [])
    async with app.db.tx() as tx:
        return await get(tx, me, payment_id)


async def record(
    tx: Tx, me: Me, intent_id: str, payer: UUID, payee: UUID, purpose: str, reference: str, amount: int, currency: str, fee: int
) -> None:  # fmt: skip
    """A payment that Stripe took by itself, once; for the system."""
    me.require_role("admin")
    row = await tx.one(
        store.RECORD,
        ids.new(),
        payer,
        payee,
        purpose,
        reference,
        amount,
        currency,
        fee,
        intent_id,
        clock.now(),
    )
    if row is not None:
        await _succeeded(tx, row)


# ---- looking


async def _visible(tx: Reader, me: Me, payment_id: UUID) -> Row:
    row = await tx.one(store.GET, payment_id)
    if row is None or not (me.is_system or me.user() in (row.payer_id, row.payee_id)):
        raise NotFound()
    return row


async def get(tx: Reader, me: Me, payment_id: UUID) -> Payment:
    """A payment by its payer or payee. Raises NotFound."""
    return (await _visible(tx, me, payment_id)).shown()


async def of_reference(tx: Reader, me: Me, purpose: str, reference: str) -> list[Payment]:
    """The latest hundred payments for a thing, the newest first; for the system."""
    me.require_role("admin")
    return [row.shown() for row in await tx.all(store.BY_REFERENCE, purpose, reference)]


async def payments(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Payment]:
    """What the caller paid or began to pay, the newest first."""
    lists = (store.MINE, store.MINE_FIRST, store.MINE_TOTAL)
    found = await paged.rows(tx, "payments", lists, me.user(), paging, paged.BY_CREATION)
    return page.Page([row.shown() for row in found.items], found.next, found.total)


# ---- giving back


async def refund(tx: Tx, me: Me, payment_id: UUID, key: str, amount: int | None) -> Refund:
    """Give back so much, or all that is left, once for each key; Stripe hears of it in the background.

    For the payee and the system. Raises NotFound, Forbidden, Invalid, NotPaid, TooMuchBack.
    """
    await _visible(tx, me, payment_id)
    row = await _held(tx, payment_id)
    if not me.is_system and row.payee_id != me.id:
        raise Forbidden()
    known = await tx.one(store.REFUND_BY_KEY, payment_id, key)
    if known is not None:
        return known.shown()
    if row.status != "succeeded":
        raise NotPaid()
    wanted = row.amount - row.refunded if amount is None else amount
    if amount is not None and amount < 1:
        raise Invalid.field("amount", "An amount is a positive number of minor units.")
    if not wanted or (made := await _take_back(tx, row, wanted, key)) is None:
        raise TooMuchBack()
    await facts.emit(tx, happened.RefundRequested(made.id))
    return made.shown()


async def refunds(tx: Reader, me: Me, payment_id: UUID) -> list[Refund]:
    """What was given back of a payment, the first one first. Raises NotFound."""
    await _visible(tx, me, payment_id)
    return [row.shown() for row in await tx.all(store.REFUNDS, payment_id)]


async def _held(tx: Tx, payment_id: UUID) -> Row:
    row = await tx.one(store.HOLD, payment_id)
    if row is None:
        raise NotFound()
    return row


async def _take_back(tx: Tx, row: Row, amount: int, key: str) -> RefundRow | None:
    """A refund in the books, or None when so much is not left. The fee is given back in proportion, whole at the end."""
    due = row.fee * (row.refunded + amount) // row.amount - row.fee_refunded
    share = min(amount, max(0, due))
    now = clock.now()
    if await tx.one(store.RESERVE, row.id, amount, share, now) is None:
        return None
    made = await tx.one(store.ADD_REFUND, ids.new(), row.id, key, amount, share, None, now)
    assert made is not None
    await _post(tx, "refund", made.id, row, -amount, -share)
    return made


async def send_refund(app: App, me: Me, refund_id: UUID) -> None:
    """Tell Stripe of a refund; for the system. Raises StripeUnavailable, so that the job is tried again."""
    me.require_role("admin")
    ready(app, me)
    async with app.db.tx() as tx:
        wanted = await tx.one(store.UNSENT, refund_id)
    if wanted is None:
        return
    intent = wanted.stripe_id
    # By now Stripe may have forgotten the key; what it has done already it still tells.
    if not any(one.refund == str(refund_id) for one in await app.stripe.refunds(intent)):
        terms = (intent, wanted.amount, wanted.currency)
        try:
            await app.stripe.create_refund(f"refund-{refund_id}", *terms, refund=str(refund_id))
        except StripeRefused as refused:
            failed = Returned("", "failed", wanted.amount, str(refund_id), refused.code)
            async with app.db.tx() as tx:
                await _settle(tx, await _held(tx, wanted.payment_id), failed)
    await sync(app, me, intent)


async def _settle(tx: Tx, row: Row, found: Returned) -> None:
    """Bring a refund of a payment that is held to what Stripe says of it."""
    refund_id = ids.parse(found.refund or "")
    mine: RefundRow | None = None
    if refund_id is not None:
        mine = await tx.one(store.REFUND, refund_id)
    if mine is None or mine.payment_id != row.id:
        mine = await tx.one(store.REFUND_BY_KEY, row.id, found.id)
    if mine is None and found.status != "failed":
        mine = await _take_back(tx, row, found.amount, found.id)
        if mine is None:  # a refund of ours holds what it needs, until Stripe refuses that one
            logger.warning("refund_waits", payment=row.id, refund=found.id)
    if mine is None or REFUND_RANK[found.status] <= REFUND_RANK[mine.status]:
        return
    await tx.run(store.MOVE_REFUND, mine.id, found.status, found.id or None, found.failure, clock.now())
    about = (row.id, mine.id, row.payer_id, row.purpose, row.reference)
    if found.status == "failed":
        await tx.run(store.RELEASE, row.id, mine.amount, mine.fee, clock.now())
        await _post(tx, "refund_failed", mine.id, row, mine.amount, mine.fee)
        await facts.emit(tx, happened.RefundFailed(*about))
    elif found.status == "succeeded":
        whole = await tx.one(store.GIVEN_BACK, row.id) == row.amount
        await facts.emit(tx, happened.PaymentRefunded(*about, whole))


# ---- hearing from Stripe


async def receive(app: App, me: Me, body: bytes, signature: str) -> None:
    """Take in a webhook, once. Raises BadSignature, Malformed, PaymentsDisabled."""
    ready(app, me)
    hint = app.stripe.hint(body, signature)
    if hint.kind is None:
        return
    async with app.db.tx() as tx:
        if await tx.one(store.SEEN, hint.id, clock.now()) is not None:
            await facts.emit(tx, FACTS[hint.kind](hint.object))


async def sync(app: App, me: Me, intent_id: str) -> None:
    """Ask Stripe for a PaymentIntent and its refunds, and write what it says; for the system."""
    me.require_role("admin")
    ready(app, me)
    try:
        intent = await app.stripe.intent(intent_id)
    except StripeRefused as refused:
        logger.error("payment_unknown_to_stripe", intent=intent_id, code=refused.code)
        return
    returned = await app.stripe.refunds(intent_id) if intent.status == "succeeded" else []
    async with app.db.tx() as tx:
        await _apply(tx, intent, returned)


async def _apply(tx: Tx, intent: Intent, returned: Sequence[Returned]) -> Row | None:
    """The payment of this PaymentIntent, moved to what it says; None for what is not ours."""
    # By our id too: the answer that would have told us Stripe's may still be on its way.
    row = await tx.one(store.HOLD_INTENT, intent.id, ids.parse(intent.payment or ""))
    if row is None:
        return None
    same = (intent.amount, intent.currency) == (row.amount, row.currency)
    if not same or row.stripe_id not in (None, intent.id):
        logger.error("payment_differs", payment=row.id, intent=intent.id)
        return row
    row = await _move(tx, row, intent.status, intent.id, intent.failure)
    for one in returned:
        await _settle(tx, row, one)
        row = await _held(tx, row.id)
    return row


async def _move(tx: Tx, row: Row, status: str, stripe_id: str | None, failure: str | None) -> Row:
    """The payment with this status, unless it is further already."""
    before = row.status
    if RANK[status] < RANK[before]:
        status, failure = before, row.failure
    if (status, stripe_id, failure) == (before, row.stripe_id, row.failure):
        return row
    moved = await tx.one(store.MOVE, row.id, status, stripe_id, failure, clock.now())
    assert moved is not None
    if status == before:
        return moved
    if status == "succeeded":
        await _succeeded(tx, moved)
    elif status in ("failed", "canceled"):
        final = status == "canceled"
        await facts.emit(
            tx, happened.PaymentFailed(moved.id, moved.payer_id, moved.purpose, moved.reference, final)
        )
    return moved


async def _succeeded(tx: Tx, row: Row) -> None:
    await _post(tx, "payment", row.id, row, row.amount, row.fee)
    await facts.emit(tx, happened.PaymentSucceeded(row.id, row.payer_id, row.purpose, row.reference))


# ---- what payees get


async def _post(tx: Tx, cause: str, source: UUID, row: Row, amount: int, fee: int) -> None:
    """So much of a payment, of which the fee is the platform's, into the books."""
    payee = PLATFORM if row.payee_id is None else of_user(row.payee_id)
    parts = [Line(payee, amount - fee), Line(PLATFORM, fee), Line(STRIPE, -amount)]
    await ledger.post(tx, Me.system, cause, source, row.currency, parts)


async def reschedule(tx: Tx, me: Me, purpose: str, references: Sequence[str], at: datetime) -> None:
    """Pay out what payees get for these from then on; where that is sooner, not before tomorrow. For the system."""
    me.require_role("admin")
    await tx.run(store.RESCHEDULE, purpose, list(references), at, clock.now() + NOTICE)


async def balances(tx: Reader, me: Me, owner: UUID) -> list[Balance]:
    """What is owed to the caller by currency; of anybody, for the system. Raises NotFound."""
    if not me.is_system and me.user() != owner:
        raise NotFound()
    waiting = {one.currency: one.amount for one in await tx.all(store.WAITING, owner, clock.now())}
    sums = await ledger.balances(tx, Me.system, of_user(owner))
    return [Balance(one.currency, one.amount, one.amount - waiting.get(one.currency, 0)) for one in sums]
