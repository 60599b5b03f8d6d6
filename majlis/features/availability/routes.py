"""What people say of themselves, over HTTP."""

from majlis.app import App
from majlis.features.availability import service
from majlis.features.availability.model import PresenceBody, PresenceChoice, UserStatus, UserStatusBody
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("profile")


@api.put("/api/v1/users/me/presence", policy=access.user)
async def choose(app: App, me: Me, body: PresenceBody) -> PresenceChoice:
    """Seem away, or ask not to be disturbed, for a while or until further notice; `auto` for neither."""
    async with app.db.tx() as tx:
        return await service.choose(tx, me, body)


@api.put("/api/v1/users/me/status", policy=access.user)
async def say(app: App, me: Me, body: UserStatusBody) -> UserStatus:
    """What the caller says of themselves to those who share a workspace with them; empty to say nothing."""
    async with app.db.tx() as tx:
        return await service.say(tx, me, body)
