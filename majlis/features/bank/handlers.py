"""What follows from Plaid's webhooks, and logins that are ended there."""

from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.bank import service, store
from majlis.features.bank.facts import BankReported, BankRetired
from majlis.features.identity.facts import AccountDeleted
from majlis.kit import facts, jobs, sealed
from majlis.kit.crypto import Unsealable
from majlis.kit.me import Me


class Ending(msgspec.Struct):
    """A login that has to be ended at Plaid."""

    removal_id: UUID


@facts.on(BankReported)
async def look(app: App, fact: BankReported) -> None:
    """Ask how the login stands. Doing it twice changes nothing."""
    await service.sync(app, Me.system, fact.bank_item_id)


@facts.on(BankRetired)
async def end(app: App, fact: BankRetired) -> None:
    """End the login at Plaid. Doing it twice changes nothing."""
    await _end(app, fact.removal_id)


@facts.job
async def end_again(app: App, ending: Ending) -> None:
    """The same for one whose first job was lost or given up."""
    await _end(app, ending.removal_id)


async def _end(app: App, removal_id: UUID) -> None:
    try:
        await service.end(app, Me.system, removal_id)
    except Unsealable as error:
        raise jobs.Dropped(f"an access token of Plaid's cannot be opened: {error}") from error


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
            await facts.enqueue(tx, end_again, Ending(removal_id), key=f"bank-end:{removal_id}")


@facts.every("51 3 * * *")
async def reseal(app: App) -> None:
    """Seal tokens under the newest key, so that older ones can be dropped from the settings."""
    for column in (store.TOKEN, store.REMOVAL_TOKEN):
        await sealed.reseal(app.db, app.sealer, column)
