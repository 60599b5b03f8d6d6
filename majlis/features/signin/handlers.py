"""Mail to owners about what signs in to their account."""

from uuid import UUID

from majlis.app import App
from majlis.features.identity import service as identity
from majlis.features.mfa.facts import BackupCodeUsed, MfaDisabled, MfaEnabled
from majlis.features.passkeys.facts import PasskeyAdded, PasskeyRemoved
from majlis.kit import facts, jobs
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.vendors import mail


@facts.on(MfaEnabled)
async def notice_enabled(app: App, fact: MfaEnabled) -> None:
    """Tell the owner that signing in asks for a code now."""
    await _send(app, fact.user_id, "mfa_enabled")


@facts.on(MfaDisabled)
async def notice_disabled(app: App, fact: MfaDisabled) -> None:
    """Tell the owner that the password is enough again."""
    await _send(app, fact.user_id, "mfa_disabled")


@facts.on(BackupCodeUsed)
async def notice_backup_code(app: App, fact: BackupCodeUsed) -> None:
    """Tell the owner that a backup code was used."""
    await _send(app, fact.user_id, "backup_code_used")


@facts.on(PasskeyAdded)
async def notice_passkey(app: App, fact: PasskeyAdded) -> None:
    """Tell the owner of a new passkey."""
    await _send(app, fact.user_id, "passkey_added")


@facts.on(PasskeyRemoved)
async def notice_passkey_gone(app: App, fact: PasskeyRemoved) -> None:
    """Tell the owner that a passkey is gone."""
    await _send(app, fact.user_id, "passkey_removed")


async def _send(app: App, user_id: UUID, template: str) -> None:
    try:
        async with app.db.tx() as tx:  # not from a replica, which may be behind
            account = await identity.get(tx, Me.system, user_id)
    except NotFound:
        return  # deleted meanwhile
    letter = mail.compose(account.email, template, app_url=mail.app_url(app.settings))
    try:
        await app.mailer.send(letter)
    except mail.MailRejected as error:
        raise jobs.Dropped(error.detail) from error
