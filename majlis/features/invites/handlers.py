"""Mails invitations."""

from majlis.app import App
from majlis.features.invites import service
from majlis.features.invites.facts import InviteMailWanted
from majlis.kit import facts, jobs
from majlis.kit.me import Me
from majlis.vendors import mail


@facts.on(InviteMailWanted)
async def send(app: App, fact: InviteMailWanted) -> None:
    """Mail an invitation that still stands, with a token that only its recipient gets."""
    async with app.db.tx() as tx:
        renewed = await service.renew(tx, Me.system, fact.invite_id)
    if renewed is None:
        return
    email, token = renewed
    letter = mail.compose(email, "workspace_invite", app_url=mail.app_url(app.settings), token=token)
    try:
        await app.mailer.send(letter)
    except mail.MailRejected as error:
        raise jobs.Dropped(error.detail) from error
