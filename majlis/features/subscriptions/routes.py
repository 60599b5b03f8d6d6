"""One's own subscriptions over HTTP. What they open, and how they begin, is told where it is sold."""

from uuid import UUID

from majlis.app import App
from majlis.features.subscriptions import service
from majlis.features.subscriptions.model import Subscription
from majlis.kit import http
from majlis.kit.http import Listing, PageQuery, access, listing
from majlis.kit.me import Me

api = http.Api("payments")
SUBSCRIPTIONS = "/api/v1/payments/subscriptions"


@api.get(SUBSCRIPTIONS, policy=access.user)
async def subscriptions(app: App, me: Me, query: PageQuery) -> Listing[Subscription]:
    """What the caller subscribes or subscribed to, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.subscriptions(tx, me, query.paging()))


@api.delete(SUBSCRIPTIONS + "/{subscription_id}", policy=access.owner, status=200, errors=(404, 502))
async def end(app: App, me: Me, subscription_id: UUID) -> Subscription:
    """Let it end with its period. Until then it gives what it gave."""
    return await service.end(app, me, subscription_id, ends=True)


# No Idempotency-Key here: Stripe is asked, and not inside a transaction.
@api.post(
    SUBSCRIPTIONS + "/{subscription_id}/resume",
    policy=access.owner,
    idempotent=False,
    errors=(404, 502),
)
async def resume(app: App, me: Me, subscription_id: UUID) -> Subscription:
    """Let it go on after all, while it has not ended."""
    return await service.end(app, me, subscription_id, ends=False)
