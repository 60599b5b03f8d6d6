"""What the caller earns, and subscribing to authors, over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.creators import service
from majlis.features.creators.model import Dashboard, DaysQuery
from majlis.features.subscriptions.model import Subscription
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("payments")
SUBSCRIPTION = "/api/v1/users/{user_id}/subscription"


@api.get("/api/v1/creators/me/dashboard", policy=access.user)
async def dashboard(app: App, me: Me, query: DaysQuery) -> Dashboard:
    """What the caller earned in the last days, day by day, with which posts, and who subscribes."""
    async with app.db.read() as tx:
        return await service.dashboard(tx, me, query.days)


@api.post(SUBSCRIPTION, policy=access.user, status=201, idempotent=False, errors=(402, 404, 409, 502))
async def subscribe(app: App, me: Me, user_id: UUID) -> Subscription:
    """Begin to subscribe to an author; the same again until the first month is paid."""
    return await service.subscribe(app, me, user_id)


@api.delete(SUBSCRIPTION, policy=access.user, status=200, errors=(404, 502))
async def unsubscribe(app: App, me: Me, user_id: UUID) -> Subscription:
    """Let it end with its period. Until then it gives what it gave."""
    return await service.unsubscribe(app, me, user_id)
