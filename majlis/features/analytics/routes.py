"""How the server is used, over HTTP, for admins."""

from majlis.app import App
from majlis.features.analytics import service
from majlis.features.analytics.model import Analytics, DaysQuery
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("admin")


@api.get("/api/v1/admin/analytics", policy=access.admin)
async def analytics(app: App, me: Me, query: DaysQuery) -> Analytics:
    """People, posts, comments and messages by day, revenue by month, and what waits: cases, decisions, jobs, sockets."""
    async with app.db.read() as tx:
        return await service.analytics(tx, me, query.days)
