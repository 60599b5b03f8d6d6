"""Verbs of preferences: read, change, and send only what somebody wants."""

from collections.abc import Collection, Iterable
from uuid import UUID

import msgspec
from msgspec import UNSET

from majlis.app import App
from majlis.features.identity import service as identity
from majlis.features.preferences import store
from majlis.features.preferences.model import CATEGORIES, Category, Change, Channel, Letter, Preferences
from majlis.features.push import service as push
from majlis.kit import clock, hints, log
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.http.binding import given
from majlis.kit.me import Me
from majlis.vendors import mail
from majlis.vendors.push import Push

logger = log.get("majlis.preferences")
CHANGED = "preferences:"  # and an id: who remembers what somebody wants asks again


async def get(tx: Reader, me: Me) -> Preferences:
    """What the caller wants; everything, until they say otherwise."""
    return (await of(tx, me, [me.user()]))[me.user()]


async def of(tx: Reader, me: Me, people: Iterable[UUID]) -> dict[UUID, Preferences]:
    """What each of these people wants; one query."""
    wanted = list(people)
    rows = {row.user_id: row for row in await tx.all(store.SOME, wanted)}
    return {user_id: _preferences(rows.get(user_id)) for user_id in wanted}


async def allowed(
    tx: Reader, me: Me, people: Collection[UUID], category: Category, channel: Channel
) -> set[UUID]:
    """Those of these people who are told of things of a category over a channel; one query, none for nobody."""
    if not people:
        return set()
    found = await of(tx, me, people)
    return {user_id for user_id, wants in found.items() if wants.allows(category, channel)}


def _preferences(row: store.Row | None) -> Preferences:
    everything: dict[str, bool] = dict.fromkeys(CATEGORIES, True)
    if row is None:
        return Preferences(True, True, True, everything)
    said = msgspec.json.decode(row.categories, type=dict[str, bool])
    return Preferences(row.email_enabled, row.push_enabled, row.web_socket_enabled, {**everything, **said})


async def change(tx: Tx, me: Me, change: Change) -> Preferences:
    """Change what the caller wants. Raises Invalid for a category that there is not."""
    values = given(change)
    categories: dict[str, bool] = {} if change.categories is UNSET else change.categories
    wrong = [
        FieldFault(
            f"categories.{name}"[:200], "unknown_category", f"A category is one of {', '.join(CATEGORIES)}."
        )
        for name in categories
        if name not in CATEGORIES
    ]
    if wrong:
        raise Invalid(fields=wrong)
    flags = (values.get(f"{channel}_enabled") for channel in ("email", "push", "web_socket"))
    row = await tx.one(store.SET, me.user(), *flags, categories, clock.now())
    hints.after_commit(tx, f"{CHANGED}{me.user()}", b"{}")
    return _preferences(row)


async def send_push(app: App, me: Me, user_id: UUID, category: Category, note: Push) -> bool:
    """Send to somebody's devices if they want that; for background work. Returns whether they do."""
    async with app.db.tx() as tx:
        if not await allowed(tx, me, [user_id], category, "push"):
            return False
    await push.send(app, me, user_id, note)
    return True


async def send_mail(app: App, me: Me, user_id: UUID, category: Category, letter: Letter) -> bool:
    """Mail somebody if they want that, at an address that they confirmed; for background work.

    Returns whether it went out. Raises MailUnavailable when trying again may help.
    """
    async with app.db.tx() as tx:
        try:
            account = await identity.get(tx, me, user_id)
        except NotFound:
            return False
        if not account.email_verified or not await allowed(tx, me, [user_id], category, "email"):
            return False
    try:
        await app.mailer.send(mail.Mail(account.email, letter.subject, letter.text))
    except mail.MailRejected as error:
        logger.warning("mail_rejected", user=str(user_id), reason=error.detail)
        return False
    return True
