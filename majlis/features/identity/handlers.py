"""Mail about accounts, and the clearing of what has expired."""

from datetime import timedelta
from uuid import UUID

from majlis.app import App
from majlis.features.identity import service, store
from majlis.features.identity.facts import (
    AccountCreated,
    AccountDeleted,
    PasswordChanged,
    ResetRequested,
    VerificationRequested,
)
from majlis.features.identity.model import Account
from majlis.kit import clock, facts, jobs
from majlis.kit.me import Me
from majlis.vendors import mail


# From the primary: a replica may not know yet who has just registered, and nobody would ask again.
async def _account(app: App, user_id: UUID) -> Account | None:
    async with app.db.tx() as tx:
        return await tx.last(store.BY_ID, user_id)


async def _known(app: App, email: str) -> Account | None:
    async with app.db.tx() as tx:
        return await service.find(tx, Me.system, email)


@facts.on(AccountCreated, VerificationRequested)
async def send_verification(app: App, fact: AccountCreated | VerificationRequested) -> None:
    """Mail a fresh confirmation token, unless the address is confirmed or nobody's."""
    if isinstance(fact, AccountCreated):
        account = await _account(app, fact.user_id)
    else:
        account = await _known(app, fact.email)
    if account is None or account.email_verified:
        return
    async with app.db.tx() as tx:
        token = await service.start_verification(tx, Me.system, account)
    await _send(app, account.email, "verify_email", token=token)


@facts.on(ResetRequested)
async def send_reset(app: App, fact: ResetRequested) -> None:
    """Mail a token that resets the password, to the address as it was registered."""
    account = await _known(app, fact.email)
    if account is None or account.suspended_at is not None:
        return
    async with app.db.tx() as tx:
        token = await service.start_reset(tx, Me.system, account.id)
    await _send(app, account.email, "reset_password", token=token)


@facts.on(PasswordChanged)
async def notice_password(app: App, fact: PasswordChanged) -> None:
    """Tell the owner that the password changed."""
    account = await _account(app, fact.user_id)
    if account is not None:
        await _send(app, account.email, "password_changed")


@facts.on(AccountDeleted)
async def notice_deletion(app: App, fact: AccountDeleted) -> None:
    """Tell the former owner that the account is gone."""
    await _send(app, fact.email, "account_deleted")


async def _send(app: App, to: str, template: str, **values: str) -> None:
    letter = mail.compose(to, template, app_url=mail.app_url(app.settings), **values)
    try:
        await app.mailer.send(letter)
    except mail.MailRejected as error:
        raise jobs.Dropped(error.detail) from error


@facts.every("17 * * * *")
async def purge(app: App) -> None:
    """Forget tokens that expired a day ago and failures that count no more."""
    before = clock.now() - timedelta(days=1)
    async with app.db.tx() as tx:
        await tx.run(store.PURGE_VERIFICATIONS, before)
        await tx.run(store.PURGE_RESETS, before)
        await tx.run(store.PURGE_FAILURES, before)
