"""Mail about linked accounts, and taking back at Apple what is not needed any more."""

from majlis.app import App
from majlis.features.identity import service as identity
from majlis.features.identity.facts import AccountDeleted
from majlis.features.oauth import service, store
from majlis.features.oauth.facts import IdentityLinked, IdentityUnlinked
from majlis.features.oauth.model import LABELS
from majlis.kit import facts, jobs, sealed
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.vendors import mail


@facts.on(AccountDeleted)
async def forget(app: App, fact: AccountDeleted) -> None:
    """The account is gone; what it allowed at Apple goes too. Doing it twice changes nothing."""
    with sealed.or_dropped("a refresh token of Apple's"):
        await service.leave(app, Me.system, fact.user_id)


@facts.on(IdentityUnlinked)
async def revoke(app: App, fact: IdentityUnlinked) -> None:
    """Take back at Apple what the owner does not want any more. Doing it twice changes nothing."""
    with sealed.or_dropped("a refresh token of Apple's"):
        await service.revoke_retired(app, Me.system, fact.user_id)


@facts.on(IdentityLinked)
async def notice_link(app: App, fact: IdentityLinked) -> None:
    """Tell the owner of another way to sign in: it may have been somebody else who made it."""
    async with app.db.tx() as tx:  # not from a replica, which may be behind
        try:
            account = await identity.get(tx, Me.system, fact.user_id)
        except NotFound:
            return
    provider = LABELS[fact.provider]
    letter = mail.compose(
        account.email, "identity_linked", app_url=mail.app_url(app.settings), provider=provider
    )
    try:
        await app.mailer.send(letter)
    except mail.MailRejected as error:
        raise jobs.Dropped(error.detail) from error


@facts.every("41 2 * * *")
async def reseal(app: App) -> None:
    """Once a day, so that an older secret key can be dropped a day after a newer one came."""
    await sealed.reseal(app.db, app.sealer, store.SEALED)
