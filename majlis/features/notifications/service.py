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
# On the bus, with the id of the recipient: the id of what was stored for them, or BACK and the id of what they are
# told no more, or only that what is unread is to be counted again.
TOLD, BACK, COUNTED = "told", "-", ""
Types = Sequence[str] | None  # of notifications; None for all
Given = tuple[
    UUID, dict[str, Any] | None, UUID | None, UUID
]  # the id of a notification, its data, actor, target
SEEN = store.SEEN  # SQL for the stores of features above


# ---- telling


async def tell(
    tx: Tx, me: Me, kind: Kind, recipient: UUID, actor: UUID, target: UUID, *,
    about: UUID | None = None, **data: UUID | None,
) -> None:  # fmt: skip
    """Tell somebody what an actor did to a target, once however often this is called.

    What is told of the same thing (`about`, else the target) makes a group. Nobody is told of themselves, of people
    who are gone or whom they mute, or across a block (rules 149, 157).
    """
    title, words = WORDS[kind]
    held: dict[str, Any] = {name: value for name, value in data.items() if value is not None}
    given = (ids.new(), {"user_id": actor, **held}, actor, target)
    await _tell(tx, kind, recipient, title, words, [given], about or target)


async def inform(
    tx: Tx, me: Me, kind: Kind, recipient: UUID, title: str, message: str, target: UUID,
    about: UUID | None = None, **data: Any,
) -> None:  # fmt: skip
    """Tell somebody what nobody in particular did, in these words; once of each type and target."""
    await _tell(tx, kind, recipient, title, message, [(ids.new(), data or None, None, target)], about)


async def _tell(
    tx: Tx, kind: Kind, recipient: UUID, title: str, message: str, given: Sequence[Given], about: UUID | None
) -> None:
    """What somebody is told of one thing at once rings once, for the last of it.

    Whoever tells several people in one transaction does so in the order of their ids: their logs are held then.
    """
    each, data, actors, targets = zip(*given, strict=True)
    told = await tx.all(
        store.TELL, recipient, each, kind, title, message, data, actors, targets, about, clock.now(), category_of(kind)
    )  # fmt: skip
    if not told:
        return
    last = max(told, key=lambda one: (one.push, one.id))
    _hint(tx, recipient, str(last.id))
    if last.listed:
        noted = {"type": kind, "notification_id": last.id}
        await conversations.tell(tx, Me.system, [recipient], CREATED, noted)
    if last.push:
        await facts.emit(tx, Told(last.id, recipient))


def _hint(tx: Tx, recipient: UUID, what: str = COUNTED) -> None:
    """Have the sockets of a recipient look at what was stored, or taken back, or count what is unread anew."""
    hints.after_commit(tx, f"{TOLD}:{recipient}", what.encode())


async def tell_author(
    tx: Tx, me: Me, kind: Kind, post_id: UUID, actor: UUID, target: UUID, **data: UUID | None
) -> None:
    """Tell the author of a post, unless it is deleted."""
    author = await tx.one(store.AUTHOR, post_id)
    if author is not None:
        await tell(tx, me, kind, author, actor, target, about=post_id, post_id=post_id, **data)


async def take_back(tx: Tx, me: Me, kind: Kind, recipient: UUID | None, actor: UUID, target: UUID) -> None:
    """Tell no more of what an actor undid, unless it was read; without a recipient, to the author of the target."""
    for gone in await tx.all(store.TAKE_BACK, recipient, kind, actor, target):
        _hint(tx, gone.user_id, f"{BACK}{gone.id}")


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
            _hint(tx, row.id, str(row.told))
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
    tx: Reader, me: Me, read: bool | None, type: str | Types, category: Category | None, paging: page.Paging, *,
    grouped: bool = False,
) -> page.Page[Notification]:  # fmt: skip
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
    _hint(tx, me.user())
    return (await _dressed(tx, me, [found]))[0]


async def read_all(tx: Tx, me: Me, types: Types = None) -> ReadAll:
    """Mark all of the caller's, of these types, as read."""
    updated = await tx.run(store.READ_ALL, me.user(), types)
    _hint(tx, me.user())
    return ReadAll(updated, await unread(tx, me, types))


async def delete(tx: Tx, me: Me, note_id: UUID, types: Types = None, *, grouped: bool = False) -> None:
    """Delete one of the caller's, of these types, for good, or the whole group that it is of. Raises NotFound."""
    wanted = (
        (store.DELETE_GROUP, me.user(), note_id) if grouped else (store.DELETE, me.user(), note_id, types)
    )
    if not await tx.run(*wanted):
        raise NotFound()
    _hint(tx, me.user())


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
        category, now = str(change["category"]), clock.now()
        await tx.run(store.ADD, _setting_id(user_id, category), user_id, category, now)
        await tx.run(store.SET, user_id, category, *channels, now)
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


async def tell_of_messages(tx: Tx, me: Me, unread: Sequence[Unread]) -> None:
    """Tell somebody of messages in one conversation: who is handed something that they sell is asked about it."""
    user, place, plain = unread[0].user_id, unread[0].conversation_id, []
    sold = await tx.all(store.ASKED_ABOUT, [one.message_id for one in unread], user)
    goods = {one.message_id: one.post_id for one in sold}
    for one in unread:
        message, post = one.message_id, goods.get(one.message_id)
        data: dict[str, Any] = {"conversation_id": place, "message_id": message}
        if post is None:
            plain.append((ids.new(), {"user_id": one.sender_id, **data}, one.sender_id, message))
        else:
            await tell(tx, me, "SALE_ENQUIRY", user, one.sender_id, message, about=post, post_id=post, **data)
    if plain:
        await _tell(tx, "MESSAGE", user, *WORDS["MESSAGE"], plain, place)


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
