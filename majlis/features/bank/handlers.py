"""What follows from Plaid's webhooks, and logins that are ended there."""

from majlis.app import App
from majlis.features.bank import service, store
from majlis.features.bank.facts import BankReported, BankRetired
from majlis.features.identity.facts import AccountDeleted
from majlis.kit import facts, sealed
from majlis.kit.me import Me


@facts.on(BankReported)
async def look(app: App, fact: BankReported) -> None:
    """Ask how the login stands. Doing it twice changes nothing."""
    await service.sync(app, Me.system, fact.bank_item_id)


@facts.job  # too, for one that was lost or given up
@facts.on(BankRetired)
async def end(app: App, fact: BankRetired) -> None:
    """End the login at Plaid. Doing it twice changes nothing."""
    with sealed.or_dropped("an access token of Plaid's"):
        await service.end(app, Me.system, fact.removal_id)


@facts.on(AccountDeleted)
async def forget(app: App, fact: AccountDeleted) -> None:
    """The account is gone, and with it what it allowed. Doing it twice changes nothing."""
    async with app.db.tx() as tx:
        await service.forget(app, tx, Me.system, fact.user_id)


@facts.every("29 */6 * * *")
async def tidy(app: App) -> None:
    """End logins that were never finished, and try endings anew that did not succeed."""
    async with app.db.tx() as tx:
        for removal_id in await service.unfinished(app, tx, Me.system):
            await facts.enqueue(tx, end, BankRetired(removal_id), key=f"bank-end:{removal_id}")


@facts.every("51 3 * * *")
async def reseal(app: App) -> None:
    """Seal tokens under the newest key, so that older ones can be dropped from the settings."""
    for column in (store.TOKEN, store.REMOVAL_TOKEN):
        await sealed.reseal(app.db, app.sealer, column)
