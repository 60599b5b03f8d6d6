"""Verbs of payouts: open an account at Stripe, pay out what is owed.

Payments are taken by the platform; payees get theirs by transfers, without the platform's fee. A payout is in the books
before Stripe hears of it, so that nothing is paid out twice.
"""

from datetime import timedelta
from uuid import UUID

from majlis.app import App
from majlis.features.identity import service as identity
from majlis.features.ledger import service as ledger
from majlis.features.ledger.model import STRIPE, Line, of_user
from majlis.features.payments import service as payments
from majlis.features.payouts import store
from majlis.features.payouts.facts import PayoutFailed, PayoutMade, PayoutRequested
from majlis.features.payouts.model import (
    BalanceInsufficient,
    NoPayoutAccount,
    NotOnboarded,
    Onboarding,
    OtherCountry,
    Payout,
    PayoutAccount,
)
from majlis.kit import clock, facts, ids, log, mirror, page, paged
from majlis.kit.db import Reader, Tx
from majlis.kit.me import Me
from majlis.vendors.stripe import Connected, StripeRefused

logger = log.get("majlis.payouts")
SILENT = timedelta(minutes=15)


async def onboard(app: App, me: Me, country: str) -> Onboarding:
    """A link under which the caller tells Stripe who they are, as often as need be.

    Raises OtherCountry, PaymentsDisabled, StripeRefused, StripeUnavailable.
    """
    payments.ready(app, me)
    async with app.db.tx() as tx:
        await tx.run(store.ADD, ids.new(), me.user(), country, clock.now())
        row = await _mine(tx, me)
        email = (await identity.get(tx, me, me.user())).email
    if row.country != country:
        raise OtherCountry()
    if row.stripe_id is None:
        made = await app.stripe.create_account(
            f"account-{row.id}", account=str(row.id), country=country, email=email
        )
        async with app.db.tx() as tx:
            await _write(tx, row, made)
        account = made.id
    else:
        account = row.stripe_id
    async with app.db.tx() as tx:
        number = await tx.one(store.NEXT_LINK, row.id)
    base = (app.settings.app_url or app.settings.base_url()).rstrip("/") + "/payouts"
    link = await app.stripe.onboarding(
        f"account-{row.id}-link-{number}", account, back=f"{base}/done", again=f"{base}/again"
    )
    return Onboarding(link.url, link.expires_at)


async def _mine(tx: Reader, me: Me) -> store.Row:
    row = await tx.one(store.MINE, me.user())
    if row is None:
        raise NoPayoutAccount()
    return row


async def account(tx: Reader, me: Me) -> PayoutAccount:
    """The caller's account at Stripe. Raises NoPayoutAccount."""
    return (await _mine(tx, me)).shown()


async def _write(tx: Tx, row: store.Row, found: Connected) -> bool:
    """Write what Stripe says, unless something else was written since the row was read."""
    return await tx.one(store.MOVE, row.id, row.version, found.status, found.id, clock.now()) is not None


async def sync(app: App, me: Me, stripe_id: str) -> None:
    """Ask Stripe for an account and write what it says; for the system."""
    me.require_role("admin")
    payments.ready(app, me)

    async def known(tx: Tx, found: Connected | None) -> store.Row | None:
        ours = ids.parse(found.account or "") if found else None
        return await tx.one(store.BY_STRIPE, stripe_id, ours)

    await mirror.settle(app.db, known, lambda: app.stripe.account(stripe_id), _write)


async def pay_out(tx: Tx, me: Me, currency: str, amount: int | None) -> Payout:
    """Pay out so much to the caller, or all that can be; Stripe hears of it in the background.

    Raises NoPayoutAccount, NotOnboarded, BalanceInsufficient.
    """
    row = await _mine(tx, me)
    if row.status != "active":
        raise NotOnboarded()
    made = await _request(tx, row.user_id, currency, amount)
    if made is None:
        raise BalanceInsufficient()
    return made


async def pay_out_all(tx: Tx, me: Me, user_id: UUID, currency: str) -> Payout | None:
    """Pay out all that can be to somebody, if anything can; for the system."""
    me.require_role("admin")
    row = await tx.one(store.MINE, user_id)
    return await _request(tx, user_id, currency, None) if row and row.status == "active" else None


async def _request(tx: Tx, user_id: UUID, currency: str, amount: int | None) -> Payout | None:
    account = of_user(user_id)
    await ledger.hold(tx, Me.system, account)
    there = await payments.balances(tx, Me.system, user_id)
    available = next((one.available for one in there if one.currency == currency), 0)
    wanted = available if amount is None else amount
    if not 0 < wanted <= available:
        return None
    made = await tx.one(store.ADD_PAYOUT, ids.new(), user_id, wanted, currency, clock.now())
    assert made is not None
    await ledger.post(
        tx, Me.system, "payout", made.id, currency, [Line(account, -wanted), Line(STRIPE, wanted)]
    )
    await facts.emit(tx, PayoutRequested(made.id))
    return made


async def send(app: App, me: Me, payout_id: UUID) -> None:
    """Tell Stripe of a payout; for the system. Raises StripeUnavailable, so that the job is tried again."""
    me.require_role("admin")
    payments.ready(app, me)
    async with app.db.tx() as tx:
        going = await tx.one(store.GOING, payout_id)
    if going is None:
        return
    transfer, failure = None, "no_payout_account"
    if going.account is not None:
        # By now Stripe may have forgotten the key; what it has done already it still tells.
        transfer = await app.stripe.transfer_of(str(payout_id))
        try:
            transfer = transfer or await app.stripe.transfer(
                f"payout-{payout_id}", going.account, going.amount, going.currency, payout=str(payout_id)
            )
        except StripeRefused as refused:
            failure = refused.code
    async with app.db.tx() as tx:
        await _sent(tx, going, transfer, failure)


async def _sent(tx: Tx, going: store.Going, transfer: str | None, failure: str) -> None:
    status, why = ("failed", failure) if transfer is None else ("paid", None)
    if await tx.one(store.MOVE_PAYOUT, going.id, status, transfer, why, clock.now()) is None:
        return
    if transfer is not None:
        await facts.emit(tx, PayoutMade(going.id, going.user_id))
        return
    logger.warning("payout_failed", payout=going.id, code=failure)
    lines = [Line(of_user(going.user_id), going.amount), Line(STRIPE, -going.amount)]
    await ledger.post(tx, Me.system, "payout_failed", going.id, going.currency, lines)
    await facts.emit(tx, PayoutFailed(going.id, going.user_id))


async def unsent(tx: Reader, me: Me) -> list[UUID]:
    """Payouts of which nothing was heard for a while, at most a hundred; for the system."""
    me.require_role("admin")
    return await tx.all(store.STUCK, clock.now() - SILENT)


async def payouts(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Payout]:
    """What was paid out to the caller, the newest first."""
    lists = (store.PAYOUTS, store.PAYOUTS_FIRST, store.PAYOUTS_TOTAL)
    return await paged.rows(tx, "payouts", lists, me.user(), paging)
