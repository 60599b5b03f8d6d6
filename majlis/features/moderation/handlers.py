"""Cases about what filters hold, mail about decisions, and suspensions that end."""

from majlis.app import App
from majlis.features.audit import service as audit
from majlis.features.comments.facts import CommentHeld
from majlis.features.identity import service as identity
from majlis.features.moderation import service
from majlis.features.moderation.facts import Decided
from majlis.features.moderation.model import title_of
from majlis.features.posts.facts import PostHeld
from majlis.kit import facts, jobs
from majlis.kit.db import Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.vendors import mail


@facts.on(PostHeld)
async def queue_post(tx: Tx, fact: PostHeld) -> None:
    """Have a moderator look at a post that waits for one."""
    await service.open_held(tx, Me.system, "post", fact.post_id)


@facts.on(CommentHeld)
async def queue_comment(tx: Tx, fact: CommentHeld) -> None:
    """Have a moderator look at a comment that waits for one."""
    await service.open_held(tx, Me.system, "comment", fact.comment_id)


@facts.on(Decided)
async def mail_decision(app: App, fact: Decided) -> None:
    """Tell the person concerned what was decided and why, unless the account is gone."""
    async with app.db.read() as tx:
        entry = await audit.get(tx, Me.system, fact.entry_id)
        if entry.person_id is None:
            raise jobs.Dropped("nobody is concerned")
        try:
            account = await identity.get(tx, Me.system, entry.person_id)
        except NotFound:
            return
    letter = mail.compose(
        account.email,
        "moderation",
        app_url=mail.app_url(app.settings),
        title=title_of(entry.action, entry.kind),
        reason=entry.reason,
        until=str((entry.data or {}).get("until") or "").replace("T", " "),
    )
    try:
        await app.mailer.send(letter)
    except mail.MailRejected as error:
        raise jobs.Dropped(error.detail) from error


@facts.every("* * * * *")
async def lift_suspensions(app: App) -> None:
    """Open accounts again whose suspension is over."""
    async with app.db.tx() as tx:
        await service.lift(app, tx, Me.system)
