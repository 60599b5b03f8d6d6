"""Verbs of searching: everything at once, and the directory of businesses."""

import re

from majlis.features.directory import service as directory
from majlis.features.directory.model import Business, Filter
from majlis.features.graph import service as graph
from majlis.features.graph.model import PeopleQuery
from majlis.features.posts import service as posts
from majlis.features.posts.model import Filter as PostFilter
from majlis.features.profiles import service as profiles
from majlis.features.search.model import FILTERS, BusinessQuery, Found, SearchQuery, Totals
from majlis.kit import page
from majlis.kit.db import Reader
from majlis.kit.errors import FieldFault, Invalid
from majlis.kit.geo import Point
from majlis.kit.me import Me

SHORTEST = 2  # letters and digits


async def everything(tx: Reader, me: Me, query: SearchQuery) -> Found:
    """Posts, people and businesses with words that begin with those of the query (rule 110). Raises Invalid."""
    _check_words(query.q)
    near = _point(query.lat, query.lng)
    first = page.Paging(query.limit, offset=0)
    place = {name: getattr(query, name) for name in ("country", "province", "district", "neighborhood")}
    where = {**place, "near": near, "radius_km": query.radius_km}
    some = await posts.listing(tx, me, PostFilter(q=query.q, **where), "relevance", first)
    shops = await directory.listing(tx, me, Filter(q=query.q, **where), "relevance", first)
    found = Found(some.items, [], shops.items, Totals(some.total or 0, 0, shops.total or 0))
    if me.id is not None:
        people = await graph.search(tx, me, PeopleQuery(q=query.q, limit=query.limit, offset=0, **place))
        found.users, found.totals.users = people.items, people.total or 0
    return found


async def businesses(tx: Reader, me: Me, query: BusinessQuery) -> page.Page[Business]:
    """Businesses by words, category, place and opening hours. Raises Invalid without any of these."""
    if all(getattr(query, name) is None for name in FILTERS):
        words = "Give words or a filter."
        raise Invalid(words, fields=[FieldFault("q", "required", words)])
    if query.q is not None:
        _check_words(query.q)
    near = _point(query.lat, query.lng)
    if near is None and query.sort == "nearby":
        near = await _home(tx, me)
    wanted = Filter(
        q=query.q,
        category_id=query.category_id,
        country=query.country,
        province=query.province,
        district=query.district,
        neighborhood=query.neighborhood,
        open_now=query.open_now,
        near=near,
        radius_km=query.radius_km,
    )
    return await directory.listing(tx, me, wanted, query.sort, query.paging())


def _check_words(text: str) -> None:
    if len(re.sub(r"[\W_]", "", text)) < SHORTEST:
        raise Invalid.field("q", f"Search for at least {SHORTEST} letters or digits.", "too_short")


def _point(lat: float | None, lng: float | None) -> Point | None:
    if lat is not None and lng is not None:
        return Point(lat, lng)
    if lat is not None or lng is not None:
        raise Invalid.field("lng" if lng is None else "lat", "Give both lat and lng.", "required")
    return None


async def _home(tx: Reader, me: Me) -> Point:
    """The place of the caller's profile (rule 108). Raises Invalid without one."""
    place = await profiles.location(tx, me) if me.id is not None else None
    if place is None:
        words = "Give lat and lng, or set a location in your profile."
        raise Invalid(
            words, fields=[FieldFault("lat", "required", words), FieldFault("lng", "required", words)]
        )
    return place
