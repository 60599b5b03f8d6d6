"""What follows from Stripe's hints of accounts, and payouts on their way."""

from majlis.app import App
from majlis.features.ledger import service as ledger
from majlis.features.payments.facts import AccountReported
from majlis.features.payouts import service
from majlis.features.payouts.facts import PayoutRequested
from majlis.kit import facts
from majlis.kit.me import Me


@facts.on(AccountReported)
async def follow(app: App, fact: AccountReported) -> None:
    """Ask for the account that changed. Doing it twice changes nothing."""
    await service.sync(app, Me.system, fact.account)


@facts.on(PayoutRequested)
async def send(app: App, fact: PayoutRequested) -> None:
    """Tell Stripe. Doing it twice pays out once: the key is the same."""
    await service.send(app, Me.system, fact.payout_id)


@facts.every("7,22,37,52 * * * *")
async def look_again(app: App) -> None:
    """Send what is still not sent."""
    if not app.stripe.enabled:
        return
    async with app.db.read() as tx:
        stuck = await service.unsent(tx, Me.system)
    for payout_id in stuck:
        await service.send(app, Me.system, payout_id)


@facts.every("30 4 * * *")
async def pay_out(app: App) -> None:
    """Once a day everybody gets what they can get."""
    if not app.stripe.enabled:
        return
    after = ""
    while True:
        async with app.db.read() as tx:
            found = await ledger.earners(tx, Me.system, after)
        for account, user_id, currency in found:
            async with app.db.tx() as tx:
                await service.pay_out_all(tx, Me.system, user_id, currency)
            after = account
        if not found:
            return
