"""Searching over HTTP. Posts and people alone are searched by the routes of feeds and graph."""

from majlis.app import App
from majlis.features.directory.model import Business
from majlis.features.search import service
from majlis.features.search.model import BusinessQuery, Found, SearchQuery
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("discovery")


@api.get("/api/v1/search", policy=access.optional)
async def search(app: App, me: Me, query: SearchQuery) -> Found:
    """Posts, people and businesses by the beginnings of words. People are for those who are signed in."""
    async with app.db.read() as tx:
        return await service.everything(tx, me, query)


@api.get("/api/v1/search/businesses", policy=access.optional)
async def search_businesses(app: App, me: Me, query: BusinessQuery) -> http.Listing[Business]:
    """The directory of businesses: by words, category, place, open now. 422 without any of these."""
    async with app.db.read() as tx:
        return http.listing(await service.businesses(tx, me, query))
