"""People."""

from decimal import Decimal
from uuid import UUID

from msgspec import UNSET, UnsetType

from majlis.app import App
from majlis.features.graph import service as graph
from majlis.features.graph.model import Blocked
from majlis.features.library import service as library
from majlis.features.paywall import service as paywall
from majlis.features.paywall.model import SettingsBody
from majlis.features.profiles import service as profiles
from majlis.features.profiles.model import ProfileUpdate
from majlis.kit import http, links
from majlis.kit.db import Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.door import LimitOffset
from majlis.surfaces.compat.x18 import shapes
from majlis.surfaces.compat.x18.shapes import Following, UserPrivate, UserPublic, Users, UserUpdate
from majlis.vendors.images import Kind

api = http.Api("users")
ALL = "/api/users"
ONE = ALL + "/{user_id}"
MINE = ALL + "/me"


@api.get(MINE, policy=access.user)
async def get_me(app: App, me: Me) -> UserPrivate:
    """The caller's account."""
    async with app.db.read() as tx:
        return await shapes.private(tx, me)


@api.patch(MINE, policy=access.user, errors=(409,))
async def update_me(app: App, me: Me, body: UserUpdate) -> UserPrivate:
    """Change the caller's account. Absent fields stay, null clears. A picture is one of the caller's own uploads."""
    async with app.db.tx() as tx:
        if not isinstance(body.avatar_url, UnsetType):
            await _set_avatar(tx, me, body.avatar_url)
        await profiles.update(tx, me, _profile(body), None)
        if not (body.subscription_price is UNSET and body.monetization_enabled is UNSET):
            await _set_up(tx, me, body)
        return await shapes.private(tx, me)


def _profile(body: UserUpdate) -> ProfileUpdate:
    """What this door calls otherwise. Of a name here the first word is the first name."""
    changes = ProfileUpdate(username=body.username, about=body.bio)
    if not isinstance(body.display_name, UnsetType):
        changes.first_name, changes.last_name = profiles.halves(body.display_name)
    return changes


async def _set_up(tx: Tx, me: Me, body: UserUpdate) -> None:
    """Whether the caller takes money, and what a month costs, in the currency of their prices. Raises Invalid."""
    price = body.subscription_price
    changes = SettingsBody(enabled=body.monetization_enabled)
    if isinstance(price, Decimal):
        currency = (await paywall.settings(tx, me)).currency
        changes.price = shapes.minor(price, currency, "subscription_price")
    else:
        changes.price = price
    await paywall.set_up(tx, me, changes)


async def _set_avatar(tx: Tx, me: Me, url: str | None) -> None:
    """Make one of the caller's uploads their picture, or have none. Raises Invalid."""
    found = await library.by_url(tx, me, [url]) if url and links.private_path(url) else {}
    item = found[url].id if url in found else shapes.media_id(url) if url else None
    photo = await library.photo_at(tx, me, item) if item else None
    if url and photo is None:
        raise Invalid.field("avatar_url", "A picture is one of your own uploads.", "unknown_upload")
    await profiles.use_picture(tx, me, Kind.AVATAR, photo)


@api.get(ALL + "/username/{username}", policy=access.optional)
async def by_username(app: App, me: Me, username: str) -> UserPublic:
    """A person by their username, in whatever case."""
    async with app.db.read() as tx:
        return shapes.user(me, await graph.named_one(tx, me, await graph.id_of(tx, me, username)))


@api.get(ONE, policy=access.optional)
async def get(app: App, me: Me, user_id: UUID) -> UserPublic:
    """A person."""
    async with app.db.read() as tx:
        return shapes.user(me, await graph.named_one(tx, me, user_id))


@api.get(ONE + "/followers", policy=access.optional)
async def followers(app: App, me: Me, user_id: UUID, query: LimitOffset) -> Users:
    """Who follows a person, latest first. Private accounts show it to their followers only."""
    async with app.db.read() as tx:
        found = await graph.followers(tx, me, user_id, query.paging())
        people = await shapes.listed(tx, me, [entry.user.id for entry in found.items])
    return Users(people, query.limit, query.offset, query.more(found))


@api.get(ONE + "/following", policy=access.optional)
async def following(app: App, me: Me, user_id: UUID, query: LimitOffset) -> Users:
    """Whom a person follows, latest first. Private accounts show it to their followers only."""
    async with app.db.read() as tx:
        found = await graph.following(tx, me, user_id, query.paging())
        people = await shapes.listed(tx, me, [entry.user.id for entry in found.items])
    return Users(people, query.limit, query.offset, query.more(found))


@api.post(ONE + "/follow", policy=access.user)
async def follow(app: App, me: Me, user_id: UUID) -> Following:
    """Follow a person; again changes nothing. A private account is asked first: `following` stays false until it agrees."""
    async with app.db.tx() as tx:
        try:
            state = await graph.follow(tx, me, user_id)
        except Blocked as refused:  # whoever blocks somebody is not there for them
            raise NotFound("There is no such person.") from refused
    return Following(state.is_following, state.followers_count)


@api.delete(ONE + "/follow", policy=access.user, errors=(422,))
async def unfollow(app: App, me: Me, user_id: UUID) -> Following:
    """Follow a person no longer, nor ask to; again changes nothing."""
    async with app.db.tx() as tx:
        state = await graph.unfollow(tx, me, user_id)
    return Following(state.is_following, state.followers_count)
