"""Events: find them, invite to them, come to them."""

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.app import App
from majlis.features.boxoffice.model import BoxOffice
from majlis.features.graph import service as graph
from majlis.features.graph.model import Named
from majlis.features.nightlife import model as nights
from majlis.features.nightlife import service as nightlife
from majlis.features.nightlife.model import Night, NightCreate, NightUpdate, Wanted
from majlis.features.posts import service as posts
from majlis.features.posts.model import Post, Stance, event_start
from majlis.kit import currencies, http
from majlis.kit.db import Reader
from majlis.kit.errors import Invalid
from majlis.kit.geo import Point
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.sioree import shapes
from majlis.surfaces.compat.sioree.shapes import (
    Attendee,
    AttendeeCounts,
    EventCreated,
    EventDetail,
    EventListItem,
    PageLimit,
    Shape,
    Status,
    Success,
)

api = http.Api("events")
ALL = "/api/events"
ONE = ALL + "/{event_id}"
ATTEND = ONE + "/attend"
STANCES: dict[Status, Stance] = {
    "going": "going",
    "interested": "interested",
    "not_going": "not_interested",
}
STATUSES: dict[Stance, Status] = {stance: status for status, stance in STANCES.items()}

Title = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S", examples=["Rooftop until dawn"])]
Location = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S", examples=["Pier 17, New York"])]
Description = Annotated[str, Meta(max_length=20_000)]
Moment = Annotated[datetime, Meta(tz=True, examples=["2031-03-21T21:00:00Z"])]
Price = Annotated[Decimal, Meta(examples=[25])]
Day = date
Capacity = Annotated[int, Meta(ge=1, le=1_000_000, examples=[100])]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Tags = Annotated[list[Annotated[str, Meta(min_length=1, max_length=50)]], Meta(max_length=10)]
Images = Annotated[list[Annotated[str, Meta(max_length=2000)]], Meta(max_length=10)]


class EventsQuery(PageLimit, kw_only=True):
    """Which events: words in their place, a day in UTC, words in what is said of them."""

    location: Annotated[str, Meta(max_length=255)] | None = None
    date: Day | None = None
    search: Annotated[str, Meta(max_length=255)] | None = None


class EventCreate(Shape, kw_only=True):
    """A new event. Images are addresses of uploads; without a price it is free, without a capacity all have room."""

    title: Title
    date: Moment
    location: Location
    description: Description | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    ticket_price: Price | None = None
    capacity: Capacity | None = None
    tags: Tags = msgspec.field(default_factory=list)
    is_featured: Annotated[bool, Meta(description="counts from operators only")] = False
    images: Images = msgspec.field(default_factory=list)


class EventUpdate(Shape, kw_only=True):
    """Absent fields stay, null clears."""

    title: Title | UnsetType = UNSET
    description: Description | None | UnsetType = UNSET
    date: Moment | UnsetType = UNSET
    location: Location | UnsetType = UNSET
    latitude: Latitude | None | UnsetType = UNSET
    longitude: Longitude | None | UnsetType = UNSET
    ticket_price: Price | None | UnsetType = UNSET
    capacity: Capacity | None | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    images: Images | UnsetType = UNSET


class EventList(Shape):
    """A page of events, the featured first, then the soonest."""

    events: list[EventListItem]
    total: int
    page: int


class AttendBody(Shape):
    """Whether the caller comes."""

    status: Status = "going"


class Attending(Shape):
    """Whether the caller comes now, and how many others."""

    event_id: UUID
    status: Status
    attendee_counts: AttendeeCounts


class AttendeesQuery(PageLimit, kw_only=True):
    """Who of them; without a status all who come or may."""

    status: Status | None = None


class Attendees(Shape):
    """A page of people, the latest first."""

    attendees: list[Attendee]
    total: int
    page: int
    limit: int


@api.get(ALL, policy=access.optional)
async def listing(app: App, me: Me, query: EventsQuery) -> EventList:
    """Events from now on, the featured first, then the soonest."""
    wanted = Wanted(location=query.location, search=query.search, day=query.date)
    async with app.db.read() as tx:
        found = await nightlife.listing(tx, me, wanted, shapes.at(query))
        hosts = await _hosts(tx, me, found.items)
    return EventList([_item(night, hosts) for night in found.items], found.total or 0, query.page)


@api.post(ALL, policy=access.user, idempotent=False, errors=(403,))
async def create(app: App, me: Me, body: EventCreate) -> EventCreated:
    """Invite to an event. For hosts and brands."""
    new = NightCreate(
        title=body.title,
        starts_at=body.date,
        location=body.location.strip(),
        description=body.description,
        point=_point(body.latitude, body.longitude),
        price=body.ticket_price,
        capacity=body.capacity,
        tags=body.tags,
        featured=body.is_featured,
        images=body.images,
    )
    night = await nightlife.create(app, me, new)
    post = night.post
    return EventCreated(
        post.id, _host_id(post), post.title or "", _date(post), night.location, post.created_at
    )


def _point(latitude: Any, longitude: Any) -> Point | None:
    """A place of both or neither. Raises Invalid for half of it."""
    if (latitude is None) != (longitude is None):
        missing = "latitude" if latitude is None else "longitude"
        raise Invalid.field(missing, "Give both latitude and longitude.", "required")
    return None if latitude is None else Point(latitude, longitude)


@api.get(ONE, policy=access.optional)
async def get(app: App, me: Me, event_id: UUID) -> EventDetail:
    """One event."""
    async with app.db.read() as tx:
        return await _detail(tx, me, await nightlife.get(tx, me, event_id))


@api.patch(ONE, policy=access.owner, errors=(403, 409))
async def update(app: App, me: Me, event_id: UUID, body: EventUpdate) -> EventDetail:
    """Change an event of one's own."""
    point: Point | None | UnsetType = UNSET
    if not (body.latitude is UNSET and body.longitude is UNSET):
        both = [None if value is UNSET else value for value in (body.latitude, body.longitude)]
        point = _point(*both)
    changes = NightUpdate(
        title=body.title,
        starts_at=body.date,
        location=UNSET if isinstance(body.location, UnsetType) else body.location.strip(),
        description=body.description,
        point=point,
        price=body.ticket_price,
        capacity=body.capacity,
        tags=body.tags,
        images=body.images,
    )
    night = await nightlife.change(app, me, event_id, changes)
    async with app.db.tx() as tx:
        return await _detail(tx, me, night)


@api.delete(ONE, policy=access.owner, errors=(403, 409))
async def delete(app: App, me: Me, event_id: UUID) -> Success:
    """Delete an event of one's own, as long as nobody has tickets for it."""
    async with app.db.tx() as tx:
        await nightlife.remove(tx, me, event_id)
    return Success()


@api.post(ATTEND, policy=access.user, errors=(402, 409))
async def attend(app: App, me: Me, event_id: UUID, body: AttendBody) -> Attending:
    """Say whether one comes. Where places are few, a free ticket is taken, and given back by who does not come."""
    async with app.db.tx() as tx:
        post = await nightlife.attend(tx, me, event_id, STANCES[body.status])
    return Attending(event_id, body.status, _counts(post))


@api.delete(ATTEND, policy=access.user, errors=(409,))
async def unattend(app: App, me: Me, event_id: UUID) -> Success:
    """Take back what one said."""
    async with app.db.tx() as tx:
        await nightlife.stay_away(tx, me, event_id)
    return Success()


@api.get(ONE + "/attendees", policy=access.optional)
async def attendees(app: App, me: Me, event_id: UUID, query: AttendeesQuery) -> Attendees:
    """Who comes or may, as far as they show it to the caller; the host sees also who does not."""
    stance = STANCES[query.status] if query.status is not None else None
    async with app.db.read() as tx:
        found = await nightlife.attendees(tx, me, event_id, stance, shapes.at(query))
        people = await graph.named(tx, me, [one.user_id for one in found.items])
    shown = [_attendee(one, people[one.user_id]) for one in found.items if one.user_id in people]
    return Attendees(shown, found.total or 0, query.page, query.limit)


# ---- shapes


def _attendee(one: nights.Attendee, named: Named) -> Attendee:
    status = STATUSES[one.event_state]
    return Attendee(one.user_id, shapes.name_of(named), shapes.avatar_of(named), status, one.created_at)


def _host_id(post: Post) -> UUID:
    if post.user_id is None:
        raise LookupError("whose account is gone is not shown as a host")
    return post.user_id


def _date(post: Post) -> datetime:
    if post.start_date is None:
        raise LookupError("an event has a date")
    return event_start(post.start_date, post.start_time)


def _counts(post: Post) -> AttendeeCounts:
    return AttendeeCounts(post.going_count, post.interested_count)


async def _hosts(tx: Reader, me: Me, found: Collection[Night]) -> dict[UUID, Named]:
    return await graph.named(tx, me, {_host_id(night.post) for night in found})


def _price(office: BoxOffice | None) -> int | None:
    """The least that a ticket costs, in minor units; None where there are none."""
    return min((one.price for one in office.ticket_types), default=None) if office is not None else None


def price_text(amount: int | None, currency: str) -> str:
    """`Free`, or an amount without trailing zeros."""
    if not amount:
        return "Free"
    many = currencies.digits(currency)
    text = f"{Decimal(amount).scaleb(-many):.{many}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"${text}" if currency == nights.CURRENCY else f"{text} {currency}"


def _listed(night: Night, hosts: dict[UUID, Named]) -> dict[str, Any]:
    post, office = night.post, night.office
    host = _host_id(post)
    business = post.business.name if post.business is not None else None
    return {
        "id": post.id,
        "host_id": host,
        "title": post.title or "",
        "host_name": business or shapes.name_of(hosts.get(host)),
        "date": _date(post),
        "location": night.location,
        "price_text": price_text(_price(office), office.currency if office is not None else nights.CURRENCY),
        "image_name": night.details.image_name,
        "tags": night.details.tags,
        "is_featured": night.details.featured,
        "images": [photo.url for photo in posts.photos_of(post)],
    }


def _item(night: Night, hosts: dict[UUID, Named]) -> EventListItem:
    return EventListItem(**_listed(night, hosts))


async def _detail(tx: Reader, me: Me, night: Night) -> EventDetail:
    post, office, place = night.post, night.office, night.post.address_location
    price = _price(office)
    stance = post.my_event_state
    return EventDetail(
        **_listed(night, await _hosts(tx, me, [night])),
        description=post.description,
        latitude=place.lat if place is not None else None,
        longitude=place.lng if place is not None else None,
        ticket_price=shapes.major(price, office.currency) if office is not None and price else None,
        capacity=office.capacity if office is not None else None,
        attendee_counts=_counts(post),
        my_status=STATUSES[stance] if stance is not None else None,
        tickets_left=office.left if office is not None else None,
        created_at=post.created_at,
        updated_at=post.updated_at,
    )
