"""Over which channels one is told, and of what."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from majlis.app import App
from majlis.features.preferences import service as preferences
from majlis.features.preferences.model import Change, Preferences
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.http.binding import given
from majlis.kit.me import Me
from majlis.surfaces.compat.starter.shapes import NotificationPreference, Shape, says

api = http.Api("notifications")
PATH = "/api/v1/notifications/preferences"


class PreferenceBody(Shape, kw_only=True):
    """What is to change; what is left out stays, of categories too."""

    email_enabled: bool | UnsetType = UNSET
    push_enabled: bool | UnsetType = UNSET
    web_socket_enabled: bool | UnsetType = UNSET
    categories: (
        Annotated[
            dict[str, bool],
            Meta(description="of posts, messages, tasks, documents, rooms", examples=[{"posts": False}]),
        ]
        | UnsetType
    ) = UNSET


def _shown(found: Preferences) -> NotificationPreference:
    return NotificationPreference(
        found.email_enabled, found.push_enabled, found.web_socket_enabled, found.categories
    )


@api.get(PATH, policy=access.user)
@says("Preferences retrieved successfully")
async def get(app: App, me: Me) -> NotificationPreference:
    """What the caller wants to be told; everything, until they say otherwise."""
    async with app.db.fresh() as tx:
        return _shown(await preferences.get(tx, me))


@api.put(PATH, policy=access.user)
@says("Preferences updated successfully")
async def change(app: App, me: Me, body: PreferenceBody) -> NotificationPreference:
    """Change that. A category that is off sends nothing over any channel."""
    async with app.db.tx() as tx:
        return _shown(await preferences.change(tx, me, Change(**given(body))))
