"""Reading the audit trail over HTTP."""

from majlis.app import App
from majlis.features.audit import service
from majlis.features.audit.model import AuditEntry, AuditQuery
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("moderation")


@api.get("/api/v1/moderation/audit", policy=access.admin)
async def audit_trail(app: App, me: Me, query: AuditQuery) -> http.Listing[AuditEntry]:
    """Who decided what about whom, and why, newest first. For admins; nothing in it can be changed."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, query))
