"""Places that are given back go to who waits for them."""

from majlis.app import App
from majlis.features.boxoffice.facts import EventCancelled, PlacesFreed
from majlis.features.identity.facts import AccountDeleted
from majlis.features.tickets import service as tickets
from majlis.features.waitlist import service
from majlis.features.waitlist.facts import PlacesOffered, WaitBegan
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(PlacesFreed)
async def offer(tx: Tx, fact: PlacesFreed) -> None:
    """Offer what is free to those who wait."""
    await service.offer(tx, Me.system, fact.post_id)


@facts.on(WaitBegan)
async def look_once_more(tx: Tx, fact: WaitBegan) -> None:
    """Something may have been given back while somebody joined the line."""
    await service.offer(tx, Me.system, fact.post_id)


@facts.every("* * * * *")
async def expire(app: App) -> None:
    """Take back offers that nobody took."""
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.expire(tx, Me.system)


@facts.every("*/10 * * * *")
async def offer_all(app: App) -> None:
    """Look at every line: what a job that failed has missed is offered now."""
    after, more = service.FIRST, True
    while more:
        async with app.db.read() as tx:
            waited_for = await service.lines(tx, Me.system, after)
        for after in waited_for:
            async with app.db.tx() as tx:
                await service.offer(tx, Me.system, after)
        more = bool(waited_for)


@facts.on(EventCancelled)
async def close(app: App, fact: EventCancelled) -> None:
    """Nobody waits for an event that does not take place."""
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.close(tx, Me.system, fact.post_id)


@facts.on(AccountDeleted)
async def forget_deleted(app: App, fact: AccountDeleted) -> None:
    """Who left the place leaves the line."""
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.forget(tx, Me.system, fact.user_id)


@facts.on(PlacesOffered)
async def mail_offer(app: App, fact: PlacesOffered) -> None:
    """Tell who waited that tickets are kept for them, unless the offer is over already."""
    async with app.db.read() as tx:
        entry = await service.get(tx, Me(id=fact.user_id), fact.entry_id)
    if entry.status == "offered" and entry.offer_expires_at is not None:
        until = f"{entry.offer_expires_at:%Y-%m-%d %H:%M} UTC"
        await tickets.write_to(
            app, Me.system, fact.user_id, "places_offered", tickets=str(entry.quantity), until=until
        )
