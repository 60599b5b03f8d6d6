"""Verbs of paid posts: set prices, publish, read what one paid for, buy, subscribe, give back.

A paid post's own row holds its first lines and what everybody may see, and so do all lists, feeds, searches, edits and
sockets. What is behind the paywall leaves the tables here through `of` and `file` alone.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from majlis.app import App
from majlis.features.filters import service as filters
from majlis.features.labels import service as labels
from majlis.features.labels.model import check as check_metadata
from majlis.features.library import service as library
from majlis.features.media import service as media
from majlis.features.media.model import Photo
from majlis.features.payments import service as payments
from majlis.features.payments.model import Payment
from majlis.features.paywall import store
from majlis.features.paywall.facts import PostBought
from majlis.features.paywall.model import (
    AUTHOR,
    DEFAULT_CURRENCY,
    MOST_MEDIA,
    POST,
    AlreadyPaid,
    Bought,
    Link,
    NotBought,
    NotForSale,
    NotMonetized,
    OwnPost,
    Paid,
    PaidCreate,
    PaidFrom,
    PaidPost,
    PaidUpdate,
    Purchase,
    Sale,
    Settings,
    SettingsBody,
)
from majlis.features.posts import service as posts
from majlis.features.posts.model import NotAuthor, PostCreate, PostUpdate
from majlis.features.profiles import service as profiles
from majlis.features.subscriptions import service as subscriptions
from majlis.kit import clock, facts, ids, log, page, paged
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.me import Me

logger = log.get("majlis.paywall")

Source = tuple[str, Photo, str | None]  # the object, what it is, what it shows
KEPT_LOOSE = timedelta(days=1)


# ---- prices of authors


async def settings(tx: Reader, me: Me, *, held: bool = False) -> Settings:
    """Whether the caller takes money, and what a month costs; `held` until the transaction ends. Raises NotFound."""
    offer = await profiles.offer(tx, me, held=held)
    currency = await tx.one(store.CURRENCY, me.user()) or DEFAULT_CURRENCY
    return Settings(enabled=offer.enabled, price=offer.price, currency=currency, updated_at=offer.updated_at)


async def set_up(tx: Tx, me: Me, body: SettingsBody) -> Settings:
    """Change that. Posts of who takes no money are not sold, and who paid keeps what they have. Raises Invalid."""
    now = await settings(tx, me, held=True)
    enabled = now.enabled if isinstance(body.enabled, UnsetType) else body.enabled
    price = now.price if isinstance(body.price, UnsetType) else body.price
    currency = now.currency if isinstance(body.currency, UnsetType) else body.currency
    payments.check_terms(me, price or 1, currency, None, 0)
    await tx.run(store.SET_CURRENCY, me.user(), currency, clock.now())
    await profiles.set_offer(tx, me, enabled, price)
    await subscriptions.set_price(tx, me, AUTHOR, (price or None) if enabled else None, currency)
    return await settings(tx, me)


# ---- reading


async def of(tx: Reader, me: Me, post_ids: Sequence[UUID]) -> dict[UUID, Paid]:
    """What is behind the paywall of those of these posts that have one, as far as the viewer paid; one query.

    The caller has seen to it that the posts may be seen.
    """
    if not post_ids:
        return {}
    now = clock.now()
    rows = await tx.all(store.OF, me.id, now, list(post_ids))
    return {row.post_id: row.shown(me.id, now) for row in rows}


async def some(tx: Reader, me: Me, post_ids: Sequence[UUID]) -> list[Paid]:
    """The same of those of these posts that the viewer sees, in this order."""
    seen = await posts.posts_of(tx, me, post_ids)
    found = await of(tx, me, list(seen))
    return [found[one] for one in dict.fromkeys(post_ids) if one in found]


async def get(tx: Reader, me: Me, post_id: UUID) -> Paid:
    """What is behind the paywall of a post. Raises NotFound, also where there is none."""
    await posts.get(tx, me, post_id)
    return await _behind(tx, me, post_id)


async def _behind(tx: Reader, me: Me, post_id: UUID) -> Paid:
    if (found := (await of(tx, me, [post_id])).get(post_id)) is None:
        raise NotFound()
    return found


async def file(tx: Reader, me: Me, media_id: UUID, link: Link) -> tuple[str, Photo]:
    """Where the bytes of something paid are, and what they are, for whoever has an address of theirs that is good.

    Whether they may read it is looked at again. Raises NotFound.
    """
    row = await tx.one(store.FILE, link.viewer, clock.now(), media_id)
    if row is None or not link.is_good(row.key, media_id, clock.now()):
        raise NotFound()
    return row.object, msgspec.json.decode(row.photo, type=Photo)


# ---- writing


async def publish(app: App, me: Me, body: PaidCreate, items: Sequence[UUID] = ()) -> UUID:
    """A new paid post with the caller's uploads, and `items` of their library, behind the paywall; its id.

    These are moved away from where everybody could have fetched them. Raises NotMonetized, Invalid, InUse and what
    `posts.create` does.
    """
    if app.db.held:
        # What is told of a file must outlive a refusal: `sweep` finds the file by it.
        raise RuntimeError("files are moved outside of transactions: make the route idempotent=False")
    async with app.db.tx() as tx:
        currency = await _check(tx, me, body, len(items))
        photos = await media.claim(tx, me, body.attachments, "attachments", "private")
        kept = await library.mine(tx, me, items, "media_ids")
    sources: list[Source] = [(media.object_of(photo.url) or "", photo, None) for photo in photos]
    sources += [(item.object, item.photo, item.alt_text) for item in kept]
    try:
        taken = [await _take(app, me, at, *source) for at, source in enumerate(sources)]
        async with app.db.tx() as tx:
            for item in items:
                await library.delete(tx, me, item)
            await media.release(tx, me, [photo.url for photo in photos])
            return await _insert(tx, me, body, currency, taken)
    except BaseException:
        try:
            async with app.db.tx() as tx:
                await media.release(tx, me, [photo.url for photo in photos])
        except Exception as error:
            logger.warning("uploads were not given back", exc_info=error)  # what failed first is the answer
        raise


async def _check(tx: Tx, me: Me, body: PaidCreate, items: int) -> str:
    """The currency of the post's price."""
    mine = await settings(tx, me)
    if not mine.enabled:
        raise NotMonetized()
    if not body.text.strip() and not body.attachments and not items:
        raise Invalid.field("text", "Something has to be behind the paywall.", "required")
    if len(body.attachments) + items > MOST_MEDIA:
        raise Invalid.field("attachments", f"A post has at most {MOST_MEDIA} media.")
    currency = body.currency or mine.currency
    payments.check_terms(me, body.price or 1, currency, None, 0)
    check_metadata(body.metadata)
    # Nobody would decide about it: what waits for a moderator is a whole post.
    await filters.refuse(tx, me, {"text": body.text})
    return currency


async def _take(app: App, me: Me, at: int, source: str, photo: Photo, alt_text: str | None) -> UUID:
    """A copy of an upload at a name that is served to nobody but through `file`."""
    media_id = ids.new()
    name = f"paid/{media_id}{source[source.rfind('.') :]}"
    known = msgspec.structs.replace(photo, url="", thumbnail_url=None)
    async with app.db.tx() as tx:
        key = secrets.token_bytes(32)
        await tx.run(store.ADD_MEDIA, media_id, me.user(), name, at, key, known, alt_text, clock.now())
    await app.files.put(name, await app.files.get(source), content_type=media.type_of(source))
    return media_id


async def _insert(tx: Tx, me: Me, body: PaidCreate, currency: str, taken: list[UUID]) -> UUID:
    shown = PostCreate(
        type="FEED", description=body.shown(), visibility=body.visibility, attachments=body.preview
    )
    post = await labels.publish(tx, me, shown, body.metadata)
    await tx.run(store.ADD, post.id, me.user(), body.text, body.price, currency, clock.now())
    await tx.run(store.TAKE_MEDIA, taken, post.id)
    return post.id


async def both(tx: Reader, me: Me, post_id: UUID) -> PaidPost:
    """A paid post with what is behind its paywall; for its author also one that is held. Raises NotFound."""
    return PaidPost(await posts.read(tx, me, post_id), await _behind(tx, me, post_id))


async def update(tx: Tx, me: Me, post_id: UUID, body: PaidUpdate) -> Paid:
    """Change a paid post of one's own; the text of one that is free now is that of the post itself.

    Raises NotFound, NotAuthor, NotMonetized, Invalid.
    """
    row = await _own(tx, me, post_id)
    text = row.body if isinstance(body.text, UnsetType) else body.text
    price = row.price if isinstance(body.price, UnsetType) else body.price
    currency = row.currency if isinstance(body.currency, UnsetType) else body.currency
    payments.check_terms(me, price or 1, currency, None, 0)
    if price is not None and price != row.price and not row.enabled:
        raise NotMonetized()
    if body.text is not UNSET and not text.strip():
        raise Invalid.field("text", "Something has to be behind the paywall.", "required")
    if row.free and body.teaser is not UNSET:
        raise Invalid.field("teaser", "Everybody reads the whole of a free post.")
    if not row.free:
        await filters.refuse(tx, me, {"text": text})
    await tx.run(store.SET, post_id, text, price, currency, clock.now())
    shown = body.text if row.free else body.teaser
    if not isinstance(shown, UnsetType):
        await posts.update(tx, me, post_id, PostUpdate(description=shown), None)
    return await _behind(tx, me, post_id)


async def _own(tx: Tx, me: Me, post_id: UUID) -> store.Terms:
    await posts.locked(tx, me, post_id)
    row = await tx.one(store.HOLD, post_id)
    if row is None:
        raise NotFound()
    if row.author_id != me.user():
        raise NotAuthor()
    return row


async def enclose(tx: Tx, me: Me, post_id: UUID, body: PaidFrom) -> PaidPost:
    """Make a free post of one's own a paid one: its text goes behind a paywall, and what it said before is forgotten.

    Pictures that everybody saw stay where they are. Raises NotFound, NotAuthor, NotMonetized, AlreadyPaid, Invalid.
    """
    post = await posts.locked(tx, me, post_id)  # what its author writes at this moment is not lost
    row = await tx.one(store.HOLD, post_id)
    if post.user_id != me.user():
        raise NotAuthor()
    if post.type != "FEED" or (row is not None and not row.free):
        raise AlreadyPaid()
    text = post.description or ""  # also of one that had a price before: its author may have changed it since
    new = PaidCreate(text=text, teaser=body.teaser, price=body.price, currency=body.currency)
    currency = await _check(tx, me, new, 0 if row is None else row.media_count)
    await tx.run(store.ENCLOSE, post_id, me.user(), text, body.price, currency, clock.now())
    await posts.update(tx, me, post_id, PostUpdate(description=new.shown()), None)
    await tx.one(store.FORGET_EDITS, post_id)
    await labels.follow(tx, Me.system, post_id)
    return await both(tx, me, post_id)


async def free(tx: Tx, me: Me, post_id: UUID) -> PaidPost:
    """Make a paid post of one's own a free one, with all that is in it. Raises NotFound, NotAuthor."""
    row = await _own(tx, me, post_id)
    if not row.free:
        await tx.run(store.FREE, post_id, clock.now())
        await posts.update(tx, me, post_id, PostUpdate(description=row.body), None)
    return await both(tx, me, post_id)


async def forget(tx: Tx, me: Me, post_id: UUID) -> None:
    """What was behind the paywall of a post that is deleted goes, too; for the system."""
    me.require_role("admin")
    await tx.run(store.DELETE, post_id)


async def sweep(app: App, me: Me) -> None:
    """Delete files that belong to no post any more, or never came to; for the system."""
    me.require_role("admin")
    loose = [""]
    while loose:
        async with app.db.tx() as tx:
            loose = await tx.all(store.LOOSE, clock.now() - KEPT_LOOSE)
        for name in loose:
            await app.files.delete(name)
            async with app.db.tx() as tx:
                await tx.run(store.FORGET, name)


# ---- buying


async def buy(app: App, me: Me, post_id: UUID) -> Payment:
    """Begin to buy a post: a payment with the secret that pays it, the same until it is paid.

    Raises NotFound, NotForSale, OwnPost, Bought, and what `payments.start` does.
    """
    payments.ready(app, me)
    async with app.db.tx() as tx:
        await posts.get(tx, me, post_id)
        terms = await tx.one(store.TERMS, post_id)
        if terms is None or terms.free or terms.price is None or not terms.enabled:
            raise NotForSale()
        if terms.author_id == me.id:
            raise OwnPost()
        bill = await tx.one(
            store.BEGIN, ids.new(), post_id, me.user(), terms.author_id, terms.price, terms.currency, clock.now()
        )  # fmt: skip
        assert bill is not None
        if await _kept(tx, bill.id):
            raise Bought()
    fee = terms.price * app.settings.creator_fee_percent // 100
    begun = await payments.start(
        app, me, POST, str(bill.id), terms.price, terms.currency, terms.author_id, fee
    )
    async with app.db.tx() as tx:
        # One that succeeded since the first look is seen now: only then could this one begin.
        others = [one for one in await _kept(tx, bill.id) if one.id != begun.id]
    if others:
        await payments.cancel(app, me, begun.id)
        raise Bought()
    return begun


async def _kept(tx: Reader, purchase_id: UUID) -> list[Payment]:
    """The payments for a purchase that were made and not given back whole, the first one first."""
    found = await payments.of_reference(tx, Me.system, POST, str(purchase_id))
    return [one for one in reversed(found) if one.status == "succeeded" and one.refunded < one.amount]


async def settle(tx: Tx, me: Me, purchase_id: UUID) -> None:
    """Bring a purchase to what its payments say, in whatever order they are told of; for the system."""
    me.require_role("admin")
    if (bill := await tx.one(store.HOLD_BILL, purchase_id)) is None:
        return
    kept = await _kept(tx, purchase_id)
    for extra in kept[1:]:  # nobody pays twice
        await payments.refund(tx, me, extra.id, "twice", None)
    made = kept or await payments.of_reference(tx, me, POST, str(purchase_id))
    if (paid := next((one for one in made if one.status == "succeeded"), None)) is None:
        return
    status = "bought" if kept else "refunded"
    if kept and bill.user_id is not None and (bill.status, bill.payment_id) != (status, paid.id):
        await facts.emit(tx, PostBought(bill.post_id, bill.author_id, bill.user_id, paid.id))
    await tx.run(store.SETTLE, bill.id, status, paid.id, paid.amount, paid.currency, clock.now())


async def purchases(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Purchase]:
    """What the caller bought, the newest first."""
    return await paged.rows(tx, "purchases", store.PURCHASES, me.user(), paging)


async def sales(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Sale]:
    """What others bought of the caller's, the newest first."""
    return await paged.rows(tx, "sales", store.SOLD, me.user(), paging)


async def refund(tx: Tx, me: Me, purchase_id: UUID) -> Sale:
    """Give back what a buyer of the caller's paid; they cannot read it any more. Raises NotFound, NotBought."""
    sale = await tx.one(store.SALE, me.user(), purchase_id)
    bill = await tx.one(store.HOLD_BILL, purchase_id)
    if sale is None or bill is None:
        raise NotFound()
    if bill.status != "bought" or bill.payment_id is None:
        raise NotBought()
    await payments.refund(tx, me, bill.payment_id, f"author-{ids.new()}", None)
    await settle(tx, Me.system, purchase_id)
    after = await tx.one(store.SALE, me.user(), purchase_id)
    assert after is not None
    return after


# ---- months


async def lapse(tx: Tx, me: Me, payment_id: UUID, reference: str) -> None:
    """A month that was given back opens nothing any more, one that could not be given back does; for the system."""
    found = await payments.of_reference(tx, me, AUTHOR, reference)
    subscription_id = ids.parse(reference)
    if subscription_id is None or not found or found[0].id != payment_id:
        return  # a month that is over
    if found[0].refunded >= found[0].amount:
        await tx.run(store.LAPSE, payment_id, subscription_id)
    else:
        await tx.run(store.UNLAPSE, payment_id)
