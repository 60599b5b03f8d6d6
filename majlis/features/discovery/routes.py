"""The map over HTTP."""

from majlis.app import App
from majlis.features.discovery import service
from majlis.features.discovery.model import Discovered, DiscoverQuery, MapMarkers, MarkersQuery
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("discovery")


@api.get("/api/v1/discover", policy=access.optional)
async def discover(app: App, me: Me, query: DiscoverQuery) -> Discovered:
    """Posts and businesses in a circle or a box, nearest to its middle first; `limit` counts per kind.

    Without either, around the place of the caller's profile. 422 when there is no such place.
    """
    async with app.db.read() as tx:
        return await service.discover(app, tx, me, query)


@api.get("/api/v1/discover/markers", policy=access.optional)
async def markers(app: App, me: Me, query: MarkersQuery) -> MapMarkers:
    """What a map shows in a circle or a box: posts and businesses that show their address.

    With `zoom`, up to 16, what lies close comes as clusters: whole squares of the map, so that numbers stay the same
    when it is moved. Without it, and closer, each thing by itself, those in the middle first. Posts with words that
    the caller mutes have no marker of their own; clusters count them.
    """
    async with app.db.read() as tx:
        return await service.markers(app, tx, me, query)
