"""Buying posts, subscribing to authors, and the files of what one paid for."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.app import App
from majlis.features.creators import service as creators
from majlis.features.creators.model import Day, DaysQuery, Subscribers
from majlis.features.creators.model import TopPost as Top
from majlis.features.payments.model import Payment
from majlis.features.paywall import service as paywall
from majlis.features.paywall.model import Link
from majlis.features.subscriptions.model import Subscription
from majlis.kit import http
from majlis.kit.http import Request, access
from majlis.kit.http.download import download
from majlis.kit.me import Me
from majlis.surfaces.compat.x18 import shapes
from majlis.surfaces.media import HEADERS

api = http.Api("monetization")
Priced = Day | Top | Payment | Subscription
SUBSCRIPTION = "/api/users/{user_id}/subscribe"
NO_STORE = "private, no-store"


class Bill(msgspec.Struct):
    """What is to be paid, and the secret with which Stripe's library in the app pays it."""

    id: UUID
    amount: Decimal
    currency: str
    status: Annotated[str, Meta(examples=["open"])]
    client_secret: str | None


class Subscribed(msgspec.Struct):
    """A subscription to an author. One that ends gives what it gave until `expires_at`."""

    id: UUID
    creator_id: UUID
    price: Decimal
    currency: str
    status: Annotated[str, Meta(examples=["active"])]
    ends: bool
    expires_at: datetime | None
    client_secret: str | None


class Earnings(msgspec.Struct):
    """What came in on a day, in UTC, without what was given back and the platform's part."""

    day: date
    currency: str
    posts: Decimal
    subscriptions: Decimal


class TopPost(msgspec.Struct):
    """What a post earned."""

    post_id: UUID
    teaser: str | None
    currency: str
    amount: Decimal
    sales: int


class Dashboard(msgspec.Struct):
    """What the caller earned in the last days, and who subscribes."""

    days: int
    earnings: list[Earnings]
    subscribers: Subscribers
    top_posts: list[TopPost]


@api.get("/api/dashboard", policy=access.user)
async def dashboard(app: App, me: Me, query: DaysQuery) -> Dashboard:
    """What the caller earned in the last days, day by day, with which posts, and who subscribes."""
    async with app.db.read() as tx:
        found = await creators.dashboard(tx, me, query.days)
    earnings = [
        Earnings(one.day, one.currency, _amount(one.posts, one), _amount(one.subscriptions, one))
        for one in found.earnings
    ]
    top = [
        TopPost(one.post_id, one.teaser, one.currency, _amount(one.amount, one), one.sales)
        for one in found.top_posts
    ]
    return Dashboard(found.days, earnings, found.subscribers, top)


def _amount(units: int, of: Priced) -> Decimal:
    return cast(Decimal, shapes.decimal(units, of.currency))


# No Idempotency-Key here: Stripe is asked, and not inside a transaction.
@api.post(
    "/api/posts/{post_id}/buy",
    policy=access.user,
    status=201,
    idempotent=False,
    errors=(402, 409, 502),
)
async def buy(app: App, me: Me, post_id: UUID) -> Bill:
    """Begin to buy a post; the same again until it is paid."""
    begun = await paywall.buy(app, me, post_id)
    return Bill(begun.id, _amount(begun.amount, begun), begun.currency, begun.status, begun.client_secret)


@api.post(SUBSCRIPTION, policy=access.user, status=201, idempotent=False, errors=(402, 409, 502))
async def subscribe(app: App, me: Me, user_id: UUID) -> Subscribed:
    """Begin to subscribe to an author; the same again until the first month is paid."""
    return _subscribed(await creators.subscribe(app, me, user_id))


@api.delete(SUBSCRIPTION, policy=access.user, status=200, errors=(502,))
async def unsubscribe(app: App, me: Me, user_id: UUID) -> Subscribed:
    """Let a subscription end with its period."""
    return _subscribed(await creators.unsubscribe(app, me, user_id))


def _subscribed(found: Subscription) -> Subscribed:
    price = _amount(found.amount, found)
    return Subscribed(
        found.id, found.payee_id, price, found.currency, found.status, found.ends, found.period_end, found.client_secret
    )  # fmt: skip


@api.get(
    "/storage/paid/{media_id}",
    policy=access.none,
    content_type="application/octet-stream",
    errors=(404, 416),
)
async def get_file(app: App, me: Me, request: Request, media_id: UUID, query: Link) -> Any:
    """The bytes of something paid, by an address from a paid post: it needs no token, and ends soon."""
    async with app.db.read() as tx:
        name, photo = await paywall.file(tx, me, media_id, query)
    info = await app.files.head(name)
    headers = HEADERS | {"Content-Type": photo.mime_type}
    return await download(request, app.files, name, info.size, info.etag, headers, NO_STORE)
