"""Mails go out when they are due, one job for each."""

from datetime import timedelta
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.digests import service
from majlis.features.digests.model import UNSUBSCRIBE, Due, Missed
from majlis.features.messages.facts import MessageSent, SaidInChannel
from majlis.kit import clock, facts, log
from majlis.kit.db import Tx
from majlis.kit.me import Me
from majlis.vendors import mail

PATIENCE = timedelta(minutes=10)  # how long a message waits before there is a mail of it
logger = log.get("majlis.digests")


@facts.every("11 * * * *")
async def start(app: App) -> None:
    """Every hour: a job for everybody whose digest is due. So none is lost when nothing ran at its hour."""
    if app.settings.digest == "off":
        return
    due = service.due_at(app.settings.digest, app.settings.digest_hour, clock.now())
    last = UUID(int=0)
    while True:
        async with app.db.tx() as tx:
            people = await service.readers(tx, Me.system, due, last)
            for user_id in people:
                await facts.enqueue(tx, send, Due(user_id, due), key=f"digest:{user_id}")
        if not people:
            return
        last = people[-1]


@facts.job
async def send(app: App, due: Due) -> None:
    """Mail somebody what they have not read, if there is anything. After a crash it may come twice."""
    async with app.db.tx() as tx:
        found = await service.summary(tx, Me.system, due.user_id, due.at)
        if found is None:
            return
        token = await service.unsubscribe_token(tx, Me.system, due.user_id) if found.lines else ""
    if found.lines:
        try:
            await app.mailer.send(_letter(app, found.email, found.lines, token))
        except mail.MailRejected as error:
            # Tomorrow there may be another; this one will never be taken.
            logger.warning("digest_rejected", user=str(due.user_id), reason=error.detail)
    async with app.db.tx() as tx:
        await service.cover(tx, Me.system, due.user_id, found.until)


@facts.on(MessageSent, SaidInChannel, together=True)
async def await_reading(tx: Tx, sent: list[MessageSent]) -> None:
    """Who does not read a message gets a mail in a while: one for all that come meanwhile."""
    missing = await service.missing(tx, Me.system, [fact.message_id for fact in sent])
    jobs = {f"missed:{missed.user_id}": missed for missed in missing}
    await facts.enqueue_all(tx, send_missed, jobs, after=PATIENCE)


@facts.reopening
async def send_missed(app: App, missed: Missed) -> None:
    """Mail somebody how many messages wait for them, if some still do. After a crash it may come twice."""
    async with app.db.tx() as tx:
        found = await service.missed(tx, Me.system, missed.user_id, missed.since)
        if found is None:
            return
        token = await service.unsubscribe_token(tx, Me.system, missed.user_id)
    to, line = found
    try:
        await app.mailer.send(_letter(app, to, (line,), token, "missed_messages"))
    except mail.MailRejected as error:
        logger.warning("missed_messages_rejected", user=str(missed.user_id), reason=error.detail)


def _letter(app: App, to: str, lines: tuple[str, ...], token: str, name: str = "digest") -> mail.Mail:
    """The mail, with the headers by which mail programs unsubscribe at one click (RFC 8058)."""
    link = f"{app.settings.base_url()}{UNSUBSCRIBE}?token={token}"
    app_url = mail.app_url(app.settings)
    letter = mail.compose(to, name, app_url=app_url, lines="|".join(lines), unsubscribe=link)
    headers = {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return msgspec.structs.replace(letter, headers=headers)


@facts.every("43 3 * * *")
async def purge(app: App) -> None:
    """Forget old links."""
    async with app.db.tx() as tx:
        await service.purge(tx, Me.system)
