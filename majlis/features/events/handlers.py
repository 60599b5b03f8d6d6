"""Reminders by the clock, what ends with an account, and what invitations in messages show."""

from majlis.app import App
from majlis.features.events import service
from majlis.features.identity.facts import AccountDeleted
from majlis.features.messages.model import FILLINGS
from majlis.kit import facts
from majlis.kit.me import Me

FILLINGS["event_invite"] = service.invitation


@facts.every("*/5 * * * *")
async def remind(app: App) -> None:
    """Remind people of the events that they are interested in or go to."""
    await service.remind(app, Me.system)


@facts.on(AccountDeleted)
async def forget_deleted(app: App, fact: AccountDeleted) -> None:
    """A deleted account comes to no event any more, in the counters too."""
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.forget(tx, Me.system, fact.user_id)
