"""Who has a ticket goes to the event; who is offered one is told."""

from majlis.app import App
from majlis.features.tickets import service
from majlis.features.tickets.facts import TicketsChanged, TransferOffered
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(TicketsChanged)
async def follow(tx: Tx, fact: TicketsChanged) -> None:
    """Take the stance that goes with the tickets. Doing it twice changes nothing."""
    await service.follow(tx, Me.system, fact.post_id, fact.user_id)


@facts.on(TransferOffered)
async def mail_offer(app: App, fact: TransferOffered) -> None:
    """Tell somebody that a ticket is offered to them."""
    async with app.db.read() as tx:
        name, event = await service.offered(tx, Me.system, fact.from_id, fact.to_id, fact.ticket_id)
    await service.write_to(app, Me.system, fact.to_id, "ticket_offered", name=name, event=event)
