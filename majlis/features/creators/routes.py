"""What the caller earns, over HTTP."""

from majlis.app import App
from majlis.features.creators import service
from majlis.features.creators.model import Dashboard, DaysQuery
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("payments")


@api.get("/api/v1/creators/me/dashboard", policy=access.user)
async def dashboard(app: App, me: Me, query: DaysQuery) -> Dashboard:
    """What the caller earned in the last days, day by day, with which posts, and who subscribes."""
    async with app.db.read() as tx:
        return await service.dashboard(tx, me, query.days)
