"""Verbs of people: register, sign in, read and change oneself, leave."""

import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg

from majlis.app import App
from majlis.features.filters import service as filters
from majlis.features.identity import service as identity
from majlis.features.identity.model import EmailTaken
from majlis.features.media import service as media
from majlis.features.media.model import Photo
from majlis.features.mfa.model import Challenge
from majlis.features.places import service as places
from majlis.features.privacy import service as privacy
from majlis.features.profiles import store
from majlis.features.profiles.model import (
    JoinBody,
    LoginBody,
    Offer,
    Profile,
    ProfileUpdate,
    RegisterBody,
    Registered,
    SignedIn,
    User,
    UsernameTaken,
    photo,
)
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import Audience, TokenPair, check_device
from majlis.kit import clock, limits
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.geo import Point
from majlis.kit.http import Upload
from majlis.kit.http.binding import given
from majlis.kit.me import Me, Origin
from majlis.vendors.geocode import Place
from majlis.vendors.images import Kind

SAID = ("first_name", "last_name", "about", "website", "username")  # what filters look at
USERNAME = re.compile(r"[A-Za-z0-9_]{3,30}")
RESERVED = frozenset({"me", "username"})  # they stand in paths where others' usernames do
COMPLETE = ("first_name", "last_name", "province", "district", "neighborhood")  # rule 22


async def register(app: App, me: Me, body: RegisterBody, origin: Origin) -> Registered:
    """A new account with its profile, signed in (rule 12). Raises EmailTaken, WeakPassword, Invalid."""
    email = identity.check_new(body.email, body.password)
    check_device(body.device_info)
    await sessions.spend_attempt(app, "register", limits.auth_key(email, origin.ip))
    async with app.db.tx() as tx:
        await filters.refuse(tx, me, {"first_name": body.first_name, "last_name": body.last_name})
        if await identity.find(tx, me, email) is not None:
            raise EmailTaken()  # before the hash is paid for; two at once are told apart by the index
    hashed = await identity.hash_password(body.password)
    async with app.db.tx() as tx:
        account = await identity.create(tx, me, email, hashed)
        await create(tx, me, account.id, body.first_name, body.last_name)
        pair = await sessions.open_session(app, tx, me, account.id, origin, body.device_info)
        user = await get_user(tx, Me(id=account.id), account.id)
    return Registered(user, pair.access_token, pair.refresh_token, pair.token_type, pair.expires_in)


async def create(
    tx: Tx, me: Me, user_id: UUID, first_name: str | None, last_name: str | None, username: str | None = None
) -> None:
    """The profile of a new account, under the same id, with its default privacy settings.

    Without a username it gets one that tells nothing. Raises UsernameTaken.
    """
    if await tx.run(store.CREATE, user_id, first_name, last_name, clock.now(), username):
        await privacy.create(tx, me, user_id)
    elif not await tx.one(store.IS_THERE, user_id):
        raise UsernameTaken()


def check_username(username: str) -> None:
    """Raises Invalid for what is no username."""
    if not USERNAME.fullmatch(username):
        raise Invalid.field(
            "username", "A username has 3 to 30 letters, digits or underscores.", "bad_username"
        )
    if username.lower() in RESERVED:
        raise Invalid.field("username", "This name is kept for other use.", "reserved")


def halves(name: str | None) -> tuple[str | None, str | None]:
    """One name as first and last name: what stands before its first space, and the rest."""
    first, _, last = (name or "").strip().partition(" ")
    return first or None, last or None


async def join(
    app: App,
    me: Me,
    body: JoinBody,
    origin: Origin,
    audience: Audience,
    also: Callable[[Tx, UUID], Awaitable[None]] | None = None,
) -> tuple[UUID, TokenPair]:
    """A new account, signed in at a door; `also` is done in the same transaction, for features above.

    Raises EmailTaken, UsernameTaken, Invalid, RateLimited.
    """
    email = _check_join(body)
    await sessions.spend_attempt(app, "register", limits.auth_key(email, origin.ip))
    async with app.db.tx() as tx:
        await filters.refuse(tx, me, {"display_name": body.name, "username": body.username})
        if body.username is not None and await tx.one(store.TAKEN, body.username):
            raise UsernameTaken()  # before the hash is paid for; two at once are told apart by the index
        if await identity.find(tx, me, email) is not None:
            raise EmailTaken()
    hashed = await identity.hash_password(body.password)
    async with app.db.tx() as tx:
        account = await identity.create(tx, me, email, hashed)
        await create(tx, me, account.id, *halves(body.name), body.username)
        if also is not None:
            await also(tx, account.id)
        return account.id, await sessions.open_session(
            app, tx, me, account.id, origin, None, audience=audience
        )


def _check_join(body: JoinBody) -> str:
    """The address as it is stored. Raises Invalid naming each field that is wrong."""
    wrong: list[FieldFault] = []
    email = ""
    try:
        if body.username is not None:
            check_username(body.username)
    except Invalid as refused:
        wrong += refused.fields
    try:
        email = identity.check_new(body.email, body.password, plain=True)
    except Invalid as refused:
        wrong += refused.fields
    if wrong:
        raise Invalid(fields=wrong)
    return email


async def enter(
    app: App, me: Me, named: str, password: str, origin: Origin, audience: Audience
) -> tuple[UUID, TokenPair | Challenge]:
    """Sign in at a door by e-mail address or username, whose limits the door counts.

    Raises BadCredentials, of an unknown name after as long and as often as of a known one; AccountLocked, Deactivated.
    """
    email = identity.tried_email(named)
    if "@" not in named:
        async with app.db.tx() as tx:
            email = await tx.one(store.ADDRESS, named.strip()) or email
    proven = await identity.check_login(app.db, me, email, password, origin.ip)
    async with app.db.tx() as tx:
        await identity.hold_proven(tx, me, proven)
        outcome = await sessions.sign_in(app, tx, me, proven.user_id, origin, None, audience)
    return proven.user_id, outcome


async def login(app: App, me: Me, body: LoginBody, origin: Origin) -> SignedIn:
    """Sign in by e-mail and password. Raises BadCredentials, AccountLocked, Deactivated, RateLimited."""
    check_device(body.device_info)
    email = identity.tried_email(body.email)
    await sessions.spend_attempt(app, "login", limits.auth_key(email, origin.ip))
    proven = await identity.check_login(app.db, me, email, body.password, origin.ip)
    async with app.db.tx() as tx:
        await identity.hold_proven(tx, me, proven)
        outcome = await sessions.sign_in(app, tx, me, proven.user_id, origin, body.device_info)
        return await signed_in(tx, me, proven.user_id, outcome)


async def signed_in(tx: Tx, me: Me, user_id: UUID, outcome: TokenPair | Challenge) -> SignedIn:
    """What somebody gets who signed in: the account with its tokens, or the challenge and nothing else."""
    if isinstance(outcome, Challenge):
        return SignedIn(requires_mfa=True, challenge_id=outcome.challenge_id, factors=outcome.factors)
    return SignedIn(
        requires_mfa=False,
        user=await get_user(tx, Me(id=user_id), user_id),
        access_token=outcome.access_token,
        refresh_token=outcome.refresh_token,
        token_type=outcome.token_type,
        expires_in=outcome.expires_in,
    )


async def leave(app: App, me: Me, reason: str | None, details: str | None, password: str | None) -> None:
    """Delete the caller's account and end its sessions (rules 23, 24).

    Raises Invalid without a reason; WrongPassword, NoPassword or RateLimited when a password is given.
    """
    user_id, words = me.user(), (reason or "").strip()
    if not words:
        raise Invalid.field("reason", "Give a reason.", "required")
    if password is not None:
        await sessions.spend_attempt(app, "leave", str(user_id))
        await identity.confirm_password(app.db, me, password)
    async with app.db.tx() as tx:
        await identity.delete(tx, me, words, details)
        await tx.run(store.DELETE, user_id, clock.now())
        await sessions.revoke(app, tx, me, user_id, reason="account deleted")


async def show_or_hide(tx: Tx, me: Me, user_id: UUID) -> None:
    """Hide the profile while its account is suspended."""
    suspended = await tx.one(store.SUSPENDED, user_id)
    if suspended is not None:
        await tx.run(store.SET_SUSPENDED, user_id, suspended)


async def get_user(tx: Reader, me: Me, user_id: UUID) -> User:
    """One's own account and profile. Raises NotFound."""
    account = await identity.get(tx, me, user_id)
    row = await tx.one(store.GET, user_id)
    if row is None:
        raise NotFound()
    return User(
        id=account.id,
        email=account.email,
        phone=account.phone,
        email_verified=account.email_verified,
        phone_verified=account.phone_verified,
        mfa_enabled=account.mfa_enabled,
        oauth_provider=account.oauth_provider,
        last_login_at=account.last_login_at,
        created_at=account.created_at,
        updated_at=account.updated_at,
        profile=_profile(row),
        followers_count=row.followers_count,
        following_count=row.following_count,
        posts_count=row.posts_count,
        has_password=account.has_password,
        username=row.username,
    )


def _profile(row: store.Row) -> Profile:
    return Profile(
        row.id, row.first_name, row.last_name, photo(row.avatar), photo(row.cover), row.about, row.gender, row.dob,
        row.website, row.location, row.country, row.province, row.district, row.neighborhood, row.is_complete,
        row.created_at, row.updated_at,
    )  # fmt: skip


async def revise(app: App, me: Me, body: ProfileUpdate) -> User:
    """`update`, with the parts of a new location's place that were left out (rule 114)."""
    place = await places.look_up(app, me, body, body.location)
    async with app.db.tx() as tx:
        return await update(tx, me, body, place)


async def update(tx: Tx, me: Me, body: ProfileUpdate, place: Place | None) -> User:
    """Change the caller's profile, making it if missing (rule 161). `place` is that of the body's location.

    Raises Invalid.
    """
    user_id = me.user()
    changes = given(body)
    if changes.get("dob") is not None and changes["dob"] > clock.now().date():
        raise Invalid.field("dob", "A date of birth lies in the past.")
    await filters.refuse(tx, me, {name: changes.get(name) for name in SAID})
    if "username" in changes:
        check_username(changes["username"])
    if "phone" in changes:
        await identity.set_phone(tx, me, changes.pop("phone"))
    await create(tx, me, user_id, None, None)
    row = await tx.one(store.LOCK, user_id)
    if row is None:
        raise NotFound()
    if "username" in changes:
        await _rename(tx, user_id, changes.pop("username"))
    places.fill_in(row, changes, ("location",), place)
    for name, value in changes.items():
        setattr(row, name, value)
    complete = all(getattr(row, name) for name in COMPLETE)
    await tx.run(
        store.UPDATE, user_id, row.first_name, row.last_name, row.about, row.gender, row.dob, row.website,
        row.location, row.country, row.province, row.district, row.neighborhood, complete, clock.now(),
    )  # fmt: skip
    return await get_user(tx, me, user_id)


async def _rename(tx: Tx, user_id: UUID, username: str) -> None:
    try:
        async with tx.savepoint():
            await tx.run(store.SET_USERNAME, user_id, username, clock.now())
    except asyncpg.UniqueViolationError as error:
        raise UsernameTaken() from error


async def offer(tx: Reader, me: Me, *, held: bool = False) -> Offer:
    """Whether the caller takes money for what they publish; `held` until the transaction ends. Raises NotFound."""
    found = await tx.one(store.HOLD_OFFER if held else store.OFFER, me.user())
    if found is None:
        raise NotFound()
    return found


async def set_offer(tx: Tx, me: Me, enabled: bool, price: int | None) -> None:
    """Say whether the caller takes money for what they publish, and what a month of it costs, in cents."""
    await tx.run(store.SET_OFFER, me.user(), enabled, price, clock.now())


async def location(tx: Reader, me: Me) -> Point | None:
    """The place of the caller's profile, if there is one."""
    found = await tx.one(store.LOCATION, me.user())
    return found.location if found else None


async def center(tx: Reader, me: Me, lat: float | None, lng: float | None, *, needed: bool) -> Point | None:
    """The point to search around: the one given, else the profile's when it is needed (rules 102, 108).

    Raises Invalid for half a point, and where one is needed and none is known.
    """
    if lat is not None and lng is not None:
        return Point(lat, lng)
    if lat is not None or lng is not None:
        raise Invalid.field("lng" if lng is None else "lat", "Give both lat and lng.")
    if not needed:
        return None
    place = await location(tx, me) if me.id is not None else None
    if place is None:
        words = "Give lat and lng, or set a location in your profile."
        raise Invalid(words, fields=[FieldFault(name, "required", words) for name in ("lat", "lng")])
    return place


async def set_picture(app: App, me: Me, file: Upload, kind: Kind) -> Photo:
    """Make this the caller's avatar or cover; the former one is removed.

    Raises what `media.store` does, and NotFound when the account is gone; nothing is left behind then.
    """
    async with media.storing(app, me, [file], kind) as (uploaded,), app.db.tx() as tx:
        await create(tx, me, me.user(), None, None)
        await _replace_picture(tx, me, kind, uploaded.photo)
    return uploaded.photo


async def use_picture(tx: Tx, me: Me, kind: Kind, picture: Photo | None) -> None:
    """Make an upload of the caller's their avatar or cover, or have none. Raises Invalid, NotFound."""
    await create(tx, me, me.user(), None, None)
    await _replace_picture(tx, me, kind, picture)


async def remove_picture(tx: Tx, me: Me, kind: Kind) -> None:
    """Remove the caller's avatar or cover, if there is one. Raises NotFound when the account is gone."""
    await _replace_picture(tx, me, kind, None)


async def _replace_picture(tx: Tx, me: Me, kind: Kind, new: Photo | None) -> None:
    row = await tx.one(store.LOCK, me.user())
    if row is None:
        raise NotFound()
    former = photo(getattr(row, kind.value))
    if new is not None:
        (new,) = await media.claim(tx, me, [new], "file")
    await tx.run(store.SET_PICTURE[kind.value], row.id, new, clock.now())
    if former is not None:
        await media.release(tx, me, [former.url])
