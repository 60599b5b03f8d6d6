"""Verbs of notifications: tell somebody, list, mark as read, delete, choose channels."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid5

import msgspec

from majlis.app import App
from majlis.features.conversations import service as conversations
from majlis.features.graph import service as graph
from majlis.features.graph.model import UserMini
from majlis.features.notifications import store
from majlis.features.notifications.facts import Told
from majlis.features.notifications.model import (
    CATEGORIES,
    EVERY,
    OF_MESSAGES,
    WORDS,
    WORDS_OF_MANY,
    Category,
    Group,
    Kind,
    Notification,
    NotificationSetting,
    ReadAll,
    SettingsUpdate,
    Unread,
    category_of,
    changes_of,
    name_of,
)
from majlis.features.push import service as devices
from majlis.features.push.model import Missed
from majlis.kit import clock, facts, hints, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.vendors.push import Push

LATE = timedelta(days=1)  # after which nobody needs a push any more
CREATED = "notification.created"  # in the log of the recipient
TOLD = "told"  # on the bus, with the id of the recipient: something was stored for them
Types = Sequence[str] | None  # of notifications; None for all
SEEN = store.SEEN  # SQL for the stores of features above


# ---- telling


async def tell(
    tx: Tx,
    me: Me,
    kind: Kind,
    recipient: UUID,
    actor: UUID,
    target: UUID,
    *,
    about: UUID | None = None,
    **data: UUID | None,
) -> None:
    """Tell somebody what an actor did to a target, once however often this is called.

    What is told of the same thing (`about`, else the target) makes a group. Nobody is told of themselves, of people
    who are gone or whom they mute, or across a block (rules 149, 157).
    """
    title, words = WORDS[kind]
    held: dict[str, Any] = {name: value for name, value in data.items() if value is not None}
    await _tell(tx, kind, recipient, title, words, {"user_id": actor, **held}, actor, target, about or target)


async def inform(
    tx: Tx, me: Me, kind: Kind, recipient: UUID, title: str, message: str, target: UUID,
    about: UUID | None = None, **data: Any,
) -> None:  # fmt: skip
    """Tell somebody what nobody in particular did, in these words; once of each type and target."""
    await _tell(tx, kind, recipient, title, message, data or None, None, target, about)


async def _tell(
    tx: Tx,
    kind: Kind,
    recipient: UUID,
    title: str,
    message: str,
    data: dict[str, Any] | None,
    actor: UUID | None,
    target: UUID,
    about: UUID | None,
) -> None:
    """Whoever tells several people in one transaction does so in the order of their ids: their logs are held then."""
    told = await tx.one(
        store.TELL, recipient, ids.new(), kind, title, message, data, actor, target, about, clock.now(),
        category_of(kind),
    )  # fmt: skip
    if told is None:
        return
    _hint(tx, told.id, recipient)
    if told.listed:
        noted = {"type": kind, "notification_id": told.id}
        await conversations.tell(tx, Me.system, [recipient], CREATED, noted)
    if told.push:
        await facts.emit(tx, Told(told.id, recipient))


def _hint(tx: Tx, notification_id: UUID, recipient: UUID) -> None:
    """Have the sockets of a recipient look at what was stored: see `arrived`."""
    hints.after_commit(tx, f"{TOLD}:{recipient}", str(notification_id).encode())


async def tell_author(
    tx: Tx, me: Me, kind: Kind, post_id: UUID, actor: UUID, target: UUID, **data: UUID | None
) -> None:
    """Tell the author of a post, unless it is deleted."""
    author = await tx.one(store.AUTHOR, post_id)
    if author is not None:
        await tell(tx, me, kind, author, actor, target, about=post_id, post_id=post_id, **data)


async def take_back(tx: Tx, me: Me, kind: Kind, recipient: UUID | None, actor: UUID, target: UUID) -> None:
    """Tell no more of what an actor undid, unless it was read; without a recipient, to the author of the target."""
    await tx.run(store.TAKE_BACK, recipient, kind, actor, target)


async def tell_of_comment(tx: Tx, me: Me, comment_id: UUID) -> None:
    """Tell whoever wrote what a comment replies to, and the author of the post; who is both, once."""
    said = await tx.one(store.SAID, comment_id)
    if said is None:
        return
    post, parent, writer = said.post_id, said.parent_id, said.user_id
    data = {"post_id": post, "comment_id": comment_id, "parent_comment_id": parent}
    found: list[tuple[UUID, Kind, UUID | None]] = []
    if said.parent_author is not None and await tx.one(store.SEES, said.parent_author, post):
        found.append((said.parent_author, "COMMENT_REPLY", parent))
    if said.post_author != said.parent_author:
        found.append((said.post_author, "POST_COMMENT", post))
    for recipient, kind, about in sorted(found, key=lambda one: one[0]):  # in one order: see `_tell`
        await tell(tx, me, kind, recipient, writer, comment_id, about=about, **data)


async def tell_writer(tx: Tx, me: Me, kind: Kind, comment_id: UUID, actor: UUID) -> None:
    """Tell whoever wrote a comment, unless it is deleted or they do not see its post any more."""
    said = await tx.one(store.SAID, comment_id)
    if said is not None and await tx.one(store.SEES, said.user_id, said.post_id):
        await tell(tx, me, kind, said.user_id, actor, comment_id, post_id=said.post_id, comment_id=comment_id)


async def tell_of_event(tx: Tx, me: Me, post_id: UUID, guest: UUID, hours: int, starts_at: datetime) -> None:
    """Remind a guest who still sees an event that it begins within some hours; once for each such time."""
    author = await tx.one(store.AUTHOR, post_id)
    if author is not None and await tx.one(store.SEES, guest, post_id):
        time_ahead = uuid5(post_id, f"{hours} {starts_at.isoformat()}")
        await tell(tx, me, "EVENT_REMINDER", guest, author, time_ahead, post_id=post_id)


async def tell_of_sale(tx: Tx, me: Me, post_id: UUID, seller: UUID) -> None:
    """Tell who bookmarked something, and still sees it, that it is sold."""
    for keeper in await tx.all(store.KEEPERS, post_id):
        await tell(tx, me, "SALE_SOLD", keeper, seller, post_id, post_id=post_id)


async def tell_followers(tx: Tx, me: Me, post_id: UUID, after: UUID) -> UUID | None:
    """Tell followers behind this one of a new post that they may see, some hundreds at a time.

    Returns up to whom it went, None when that were all.
    """
    author = await tx.one(store.AUTHOR, post_id)
    if author is None:
        return None
    title, words = WORDS["POST_PUBLISHED"]
    data = {"user_id": author, "post_id": post_id}
    fresh = [ids.new() for _ in range(store.BATCH)]
    rows = await tx.all(store.ANNOUNCE, post_id, after, fresh, title, words, data, clock.now())
    await facts.emit(tx, *(Told(row.told, row.id) for row in rows if row.told is not None and row.push))
    for row in rows:
        if row.told is not None:
            _hint(tx, row.told, row.id)
    listed = [row.id for row in rows if row.told is not None and row.listed]
    await conversations.tell(tx, me, listed, CREATED, {"type": "POST_PUBLISHED", "post_id": post_id})
    return rows[-1].id if len(rows) == store.BATCH else None


# ---- reading


def _group(row: store.Row, people: dict[UUID, UserMini]) -> Group | None:
    if not isinstance(row, store.GroupRow) or not row.people or row.actors is None:
        return None
    return Group(row.people, row.more or False, [people[one] for one in row.actors if one in people])


def _message(row: store.Row, actor: UserMini | None, group: Group | None) -> str | None:
    """The words with the names before them, as their reader may see them."""
    if row.actor_id is None:
        return row.message
    others = group.count - 1 if group else 0
    if group is None or not others:
        return f"{name_of(actor)} {row.message}"
    number = f"{others}{'+' if group.more else ''}"
    words = WORDS_OF_MANY.get(row.type, row.message)
    return f"{name_of(actor)} and {number} {'other' if number == '1' else 'others'} {words}"


async def _dressed(tx: Reader, me: Me, rows: Sequence[store.Row]) -> list[Notification]:
    """Notifications as this viewer reads them; one query for all the people in them."""
    wanted = {row.actor_id for row in rows if row.actor_id is not None}
    wanted |= {one for row in rows if isinstance(row, store.GroupRow) for one in row.actors or ()}
    people = await graph.minis(tx, me, wanted)
    found = []
    for row in rows:
        actor = None if row.actor_id is None else people.get(row.actor_id)
        group = _group(row, people)
        note = Notification(
            row.id, row.user_id, row.type, row.title, _message(row, actor, group), cast(Any, row.data), row.read,
            row.created_at, actor,
        )  # fmt: skip
        if group is not None:
            note.group = group
        found.append(note)
    return found


def _types(type: str | Types, category: Category | None) -> Types:
    """The types that both filters let through; None for all."""
    if category is None:
        return [type] if isinstance(type, str) else type
    return [known for known in CATEGORIES[category] if type in (None, known)]


async def listing(
    tx: Reader,
    me: Me,
    read: bool | None,
    type: str | Types,
    category: Category | None,
    paging: page.Paging,
    *,
    grouped: bool = False,
) -> page.Page[Notification]:
    """The caller's notifications, newest first (rule 153); or groups of them, by the latest of each."""
    wanted = (store.Groups if grouped else store.Listing)(me.user(), read, _types(type, category))
    kind = "notifications:grouped" if grouped else "notifications"
    total = None
    if paging.wants_total():
        total = await tx.one(wanted.count(), *wanted.args)
    if paging.cursor:
        wanted.after(*page.decode(kind, paging.cursor, tuple[datetime, UUID]))
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(wanted.page(paging.limit, offset), *wanted.args)
    items = await _dressed(tx, me, rows[: paging.limit])
    more = len(rows) > paging.limit
    return page.Page(items, page.encode(kind, items[-1].created_at, items[-1].id) if more else None, total)


async def unread(tx: Reader, me: Me, types: Types = None) -> int:
    """How many of the caller's notifications are unread, of these types or all."""
    wanted = (store.UNREAD, me.user()) if types is None else (store.UNREAD_OF, me.user(), types)
    return await tx.one(*wanted) or 0


async def arrived(tx: Reader, me: Me, notification_id: UUID) -> tuple[Notification, int] | None:
    """What the caller was told just now, unless it is hidden or read, and how many are unread."""
    row = await tx.one(store.ARRIVED, me.user(), notification_id)
    if row is None:
        return None
    (note,) = await _dressed(tx, me, [row])
    return note, await unread(tx, me)


async def read(tx: Tx, me: Me, note_id: UUID, types: Types = None, *, grouped: bool = False) -> Notification:
    """Mark one of the caller's, of these types, as read, or the whole group that it is of. Raises NotFound."""
    if grouped:
        # First: it locks the group in order, and this one must not be held before the others.
        await tx.run(store.READ_GROUP, me.user(), note_id)
    found = await tx.one(store.READ, me.user(), note_id, types)
    if found is None:
        raise NotFound()
    return (await _dressed(tx, me, [found]))[0]


async def read_all(tx: Tx, me: Me, types: Types = None) -> ReadAll:
    """Mark all of the caller's, of these types, as read."""
    updated = await tx.run(store.READ_ALL, me.user(), types)
    return ReadAll(updated, await unread(tx, me, types))


async def delete(tx: Tx, me: Me, note_id: UUID, types: Types = None, *, grouped: bool = False) -> None:
    """Delete one of the caller's, of these types, for good, or the whole group that it is of. Raises NotFound."""
    wanted = (
        (store.DELETE_GROUP, me.user(), note_id) if grouped else (store.DELETE, me.user(), note_id, types)
    )
    if not await tx.run(*wanted):
        raise NotFound()


async def purge(tx: Tx, me: Me, before: datetime) -> bool:
    """Delete some of what was told before then. Returns whether there may be more."""
    oldest = UUID(int=int(before.timestamp() * 1000) << 80)
    return await tx.run(store.PURGE, oldest, before) > 0


# ---- channels


async def settings(tx: Reader, me: Me) -> list[NotificationSetting]:
    """The caller's settings of every category, defaults where nothing was chosen (rule 154). Raises NotFound."""
    user_id = me.user()
    rows = await tx.all(store.SETTINGS, user_id, list(EVERY))
    if not rows:
        raise NotFound()
    return [
        NotificationSetting(
            row.id or _setting_id(user_id, row.category), user_id, cast(Category, row.category), row.push_pref,
            row.in_app_pref, row.email_pref, row.created_at, row.updated_at,
        )
        for row in rows
    ]  # fmt: skip


def _setting_id(user_id: UUID, category: str) -> UUID:
    """The id of a setting, known before there is a row."""
    return uuid5(user_id, category)


async def change_settings(tx: Tx, me: Me, body: SettingsUpdate) -> list[NotificationSetting]:
    """Set channels of categories (rules 154, 162). Raises Invalid, NotFound."""
    user_id = me.user()
    changes = changes_of(body)
    await settings(tx, me)
    # In one order: else two that set the same categories could wait for each other.
    for change in sorted(changes, key=lambda one: str(one["category"])):
        channels = [change.get(name) for name in ("push_pref", "in_app_pref", "email_pref")]
        category = str(change["category"])
        await tx.run(store.SET, _setting_id(user_id, category), user_id, category, *channels, clock.now())
    return await settings(tx, me)


async def deliver(
    app: App, me: Me, notification_id: UUID, user_id: UUID, only: Collection[UUID] | None = None
) -> Missed | None:
    """Push a notification to its owner's devices, as the owner may see it now; for background work.

    Not what was read, deleted or hidden meanwhile, nor where its category is off (rules 155 to 157).
    """
    async with app.db.tx() as tx:
        row = await tx.one(store.UNHEARD, user_id, notification_id)
        if row is None or row.created_at < clock.now() - LATE:
            return None
        if row.type in OF_MESSAGES and not await tx.one(store.MISSED, row.id):
            return None
        category = category_of(row.type)
        if category is not None and await tx.one(store.PUSH_PREF, user_id, category) is False:
            return None
        (note,) = await _dressed(tx, Me(id=user_id), [row])
    held: dict[str, Any] = msgspec.json.decode(row.data) if row.data else {}
    data = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in held.items()
    }
    data |= {"notification_id": str(row.id), "type": row.type}
    push = Push(str(row.id), note.title or "", note.message or "", data)
    return await devices.send(app, me, user_id, push, only)


# ---- messages


async def tell_of_message(tx: Tx, me: Me, unread: Unread) -> None:
    """Tell somebody of a message: who is handed something that they sell is asked about it."""
    place, message = unread.conversation_id, unread.message_id
    goods = await tx.one(store.ASKED_ABOUT, message, unread.user_id)
    await tell(
        tx, me, "SALE_ENQUIRY" if goods else "MESSAGE", unread.user_id, unread.sender_id, message,
        about=goods or place, conversation_id=place, message_id=message, post_id=goods,
    )  # fmt: skip


async def forget_read(tx: Tx, me: Me, user_id: UUID, conversation_id: UUID, seq: int) -> None:
    """Mark what somebody is told of messages up to a place in a conversation as read."""
    await tx.run(store.READ_MESSAGES, user_id, conversation_id, seq)


async def withdraw(tx: Tx, me: Me, message_id: UUID) -> None:
    """Tell nobody any more of a message that was taken back."""
    await tx.run(store.WITHDRAW, message_id)


# ---- for mails about them


async def mailed_types(tx: Reader, me: Me, user_id: UUID) -> list[str]:
    """The types of which somebody wants to hear by mail."""
    rows = await tx.all(store.SETTINGS, user_id, list(EVERY))
    return [kind for row in rows if row.email_pref for kind in CATEGORIES[cast(Category, row.category)]]


async def end_mails(tx: Tx, me: Me, user_id: UUID) -> None:
    """Send somebody no more mails about notifications."""
    await tx.run(store.END_MAILS, user_id, clock.now())
