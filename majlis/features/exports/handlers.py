"""Copies of people's data are made and cleared away, and accounts erased, in the background."""

from majlis.app import App
from majlis.features.exports import service
from majlis.features.exports.facts import ExportAsked, ExportReady
from majlis.features.exports.model import Erasing
from majlis.features.identity import service as identity
from majlis.features.identity.facts import AccountErased
from majlis.kit import facts, jobs
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.vendors import mail


@facts.on(ExportAsked)
async def make(app: App, fact: ExportAsked) -> None:
    """Make a copy that somebody asked for."""
    await service.make(app, Me.system, fact.export_id)


@facts.on(ExportReady)
async def mail_ready(app: App, fact: ExportReady) -> None:
    """Tell by mail that a copy can be fetched, unless the account is gone. The mail holds no link to the file."""
    async with app.db.read() as tx:
        try:
            account = await identity.get(tx, Me.system, fact.user_id)
        except NotFound:
            return
    days = str(service.KEPT.days)
    letter = mail.compose(account.email, "export_ready", app_url=mail.app_url(app.settings), days=days)
    try:
        await app.mailer.send(letter)
    except mail.MailRejected as error:
        raise jobs.Dropped(error.detail) from error


@facts.every("23 * * * *")
async def tidy(app: App) -> None:
    """Delete copies whose time is over, and give up those that were never made."""
    await service.tidy(app, Me.system)


@facts.every("47 2 * * *")
async def find_overdue(app: App) -> None:
    """Have each account erased whose grace period is over, by a job of its own."""
    async with app.db.tx() as tx:
        for user_id in await service.overdue(app, tx, Me.system):
            await facts.enqueue(tx, erase, Erasing(user_id), key=f"erase:{user_id}")


@facts.job
async def erase(app: App, erasing: Erasing) -> None:
    """Erase an account."""
    await service.erase(app, Me.system, erasing.user_id)


@facts.on(AccountErased)
async def erase_files(app: App, fact: AccountErased) -> None:
    """Delete the files of an erased account."""
    await service.erase_files(app, Me.system, fact.user_id)
