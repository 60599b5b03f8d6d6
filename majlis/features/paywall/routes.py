"""Paid posts over HTTP."""

from typing import Any
from uuid import UUID

from majlis.app import App
from majlis.features.payments.model import Payment
from majlis.features.paywall import service
from majlis.features.paywall.model import (
    FILES,
    Link,
    Paid,
    PaidCreate,
    PaidFrom,
    PaidPost,
    PaidPosts,
    PaidUpdate,
    Purchase,
    Sale,
    Settings,
    SettingsBody,
    SomeQuery,
)
from majlis.kit import http
from majlis.kit.http import Listing, PageQuery, Request, access, listing
from majlis.kit.http.download import download
from majlis.kit.me import Me

api = http.Api("payments")
PAID = "/api/v1/paid-posts"
ONE = "/api/v1/posts/{post_id}"
CREATOR = "/api/v1/creators/me"
NO_STORE = "private, no-store"
HEADERS = {"Content-Disposition": "inline", "Content-Security-Policy": "default-src 'none'; sandbox"}


@api.get(CREATOR + "/settings", policy=access.user)
async def settings(app: App, me: Me) -> Settings:
    """Whether the caller takes money for what they publish, and what a month of it costs."""
    async with app.db.read() as tx:
        return await service.settings(tx, me)


@api.put(CREATOR + "/settings", policy=access.user, errors=(409,))
async def set_up(app: App, me: Me, body: SettingsBody) -> Settings:
    """Change that. Absent fields stay."""
    async with app.db.tx() as tx:
        return await service.set_up(tx, me, body)


# No Idempotency-Key here: files are moved, and not inside a transaction.
@api.post(PAID, policy=access.user, status=201, limit="post", idempotent=False, errors=(409,))
async def publish(app: App, me: Me, body: PaidCreate) -> PaidPost:
    """A new paid post. `attachments` are the caller's uploads, for those who pay; `preview` are for everybody."""
    post_id = await service.publish(app, me, body)
    async with app.db.read() as tx:
        return await service.both(tx, me, post_id)


@api.get(PAID, policy=access.optional)
async def some(app: App, me: Me, query: SomeQuery) -> PaidPosts:
    """What is behind the paywall of those of these posts that have one: `?post_id=…&post_id=…`, at most 100."""
    async with app.db.read() as tx:
        return PaidPosts(await service.some(tx, me, query.post_id))


@api.get(ONE + "/paid", policy=access.optional)
async def get(app: App, me: Me, post_id: UUID) -> Paid:
    """What is behind the paywall of a post: all of it for those who paid, and what it costs for others."""
    async with app.db.read() as tx:
        return await service.get(tx, me, post_id)


@api.put(ONE + "/paid", policy=access.owner, errors=(403, 409))
async def update(app: App, me: Me, post_id: UUID, body: PaidUpdate) -> Paid:
    """Change what is behind the paywall of a post of one's own, or what it costs."""
    async with app.db.tx() as tx:
        return await service.update(tx, me, post_id, body)


@api.post(ONE + "/paid", policy=access.owner, errors=(403, 409))
async def enclose(app: App, me: Me, post_id: UUID, body: PaidFrom) -> PaidPost:
    """Make a free post of one's own a paid one: its text goes behind a paywall. Who bought it before has it still."""
    async with app.db.tx() as tx:
        return await service.enclose(tx, me, post_id, body)


@api.delete(ONE + "/paid", policy=access.owner, status=200, errors=(403, 422))
async def free(app: App, me: Me, post_id: UUID) -> PaidPost:
    """Make a paid post of one's own a free one. Nothing is given back."""
    async with app.db.tx() as tx:
        return await service.free(tx, me, post_id)


# No Idempotency-Key here either: Stripe is asked.
@api.post(ONE + "/purchase", policy=access.user, idempotent=False, errors=(402, 404, 409, 502))
async def buy(app: App, me: Me, post_id: UUID) -> Payment:
    """Begin to buy a post; the same payment again until it is paid."""
    return await service.buy(app, me, post_id)


@api.get("/api/v1/purchases", policy=access.user)
async def purchases(app: App, me: Me, query: PageQuery) -> Listing[Purchase]:
    """The posts that the caller bought, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.purchases(tx, me, query.paging()))


@api.get(CREATOR + "/sales", policy=access.user)
async def sales(app: App, me: Me, query: PageQuery) -> Listing[Sale]:
    """Who bought which of the caller's posts, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.sales(tx, me, query.paging()))


@api.post(CREATOR + "/sales/{purchase_id}/refund", policy=access.owner, errors=(404, 409))
async def refund(app: App, me: Me, purchase_id: UUID) -> Sale:
    """Give a buyer the money back. From then on they read what everybody reads."""
    async with app.db.tx() as tx:
        return await service.refund(tx, me, purchase_id)


@api.get(
    FILES + "/{media_id}",
    policy=access.none,
    content_type="application/octet-stream",
    errors=(404, 416),
)
async def get_file(app: App, me: Me, request: Request, media_id: UUID, query: Link) -> Any:
    """The bytes of something paid, by an address from a paid post: it needs no token, and ends soon."""
    async with app.db.read() as tx:
        name, photo = await service.file(tx, me, media_id, query)
    info = await app.files.head(name)
    headers = HEADERS | {"Content-Type": photo.mime_type}
    return await download(request, app.files, name, info.size, info.etag, headers, NO_STORE)
