"""Signing up, in and out, new tokens, and the caller's account."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from majlis.app import App
from majlis.features.identity import service as identity
from majlis.features.media.model import Photo
from majlis.features.mfa.model import Challenge
from majlis.features.nightlife import service as nightlife
from majlis.features.nightlife.model import Role
from majlis.features.profiles import service as profiles
from majlis.features.profiles.model import JoinBody, ProfileUpdate, User
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import Email, Password, TokenPair
from majlis.kit import http
from majlis.kit.db import Reader
from majlis.kit.errors import Forbidden
from majlis.kit.http import access
from majlis.kit.me import Me, Origin
from majlis.surfaces.compat.sioree.audience import AUDIENCE
from majlis.surfaces.compat.sioree.shapes import Account, Shape, SignedIn, Success, Tokens, UserBrief
from majlis.vendors.images import Kind

api = http.Api("auth")
AUTH = "/api/auth"
MINE = AUTH + "/me"
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S", examples=["Amina Karimi"])]


class SignupBody(Shape):
    """A new account. The role stays."""

    email: Email
    password: Password
    name: Name
    role: Role


class LoginBody(Shape):
    """Credentials."""

    email: Email
    password: Password


class RefreshBody(Shape):
    """The refresh token to exchange."""

    refresh_token: Annotated[str, Meta(max_length=4096)]


class MeUpdate(Shape, kw_only=True):
    """Absent fields stay, null clears. A picture is the address of one of the caller's own uploads."""

    name: Name | UnsetType = UNSET
    avatar: Annotated[str, Meta(max_length=2000)] | None | UnsetType = UNSET
    bio: Annotated[str, Meta(max_length=10_000)] | None | UnsetType = UNSET
    location: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")] | None | UnsetType = UNSET


class SecondFactor(Forbidden):
    """This door has no way to ask for a second factor, and without it nobody comes in."""

    code, detail = "mfa_required", "This account has a second factor, which cannot be asked for here."


async def _account(tx: Reader, user_id: UUID) -> Account:
    """The account of who signed in."""
    me = Me(id=user_id)
    user = await profiles.get_user(tx, me, user_id)
    personal = await nightlife.personal(tx, me, user_id)
    profile = user.profile
    parts = (profile.neighborhood, profile.district, profile.province, profile.country)
    place = personal.location or ", ".join(part for part in parts if part) or None
    avatar = None if profile.avatar is None else profile.avatar.url
    return Account(user.id, user.email, _name(user), personal.role, avatar, profile.about, place)


def _name(user: User) -> str:
    named = " ".join(part for part in (user.profile.first_name, user.profile.last_name) if part)
    return named or user.username


async def _signed_in(app: App, user_id: UUID, pair: TokenPair) -> SignedIn:
    async with app.db.tx() as tx:  # not from a replica, which may be behind
        found = await _account(tx, user_id)
    brief = UserBrief(found.id, found.email, found.name, found.role)
    return SignedIn(pair.access_token, pair.refresh_token, brief)


@api.post(AUTH + "/signup", policy=access.none, errors=(409,))
async def signup(app: App, me: Me, body: SignupBody, origin: Origin) -> SignedIn:
    """Open an account, which is signed in at once. It counts at every door of this server."""
    new = JoinBody(email=body.email, password=body.password, name=body.name)
    return await _signed_in(app, *await nightlife.join(app, me, new, body.role, origin, AUDIENCE))


@api.post(AUTH + "/login", policy=access.none, errors=(401, 403))
async def login(app: App, me: Me, body: LoginBody, origin: Origin) -> SignedIn:
    """Sign in. An account that was opened at another door is a partier."""
    email = identity.tried_email(body.email)
    user_id, outcome = await profiles.enter(app, me, email, body.password, origin, AUDIENCE)
    if isinstance(outcome, Challenge):
        raise SecondFactor()
    return await _signed_in(app, user_id, outcome)


@api.post(AUTH + "/logout", policy=access.user, idempotent=False)
async def logout(app: App, me: Me) -> Success:
    """Sign out: end every session of the caller at this door."""
    async with app.db.tx() as tx:
        await sessions.logout_of_door(app, tx, me, None)
    return Success()


@api.post(AUTH + "/refresh", policy=access.none, errors=(401, 403))
async def refresh(app: App, me: Me, body: RefreshBody) -> Tokens:
    """Exchange a refresh token for a new pair. The old one is spent: showing it again ends the session."""
    pair = await sessions.refresh(app, me, body.refresh_token, AUDIENCE)
    return Tokens(pair.access_token, pair.refresh_token)


@api.get(MINE, policy=access.user)
async def get_me(app: App, me: Me) -> Account:
    """The caller's account."""
    async with app.db.read() as tx:
        return await _account(tx, me.user())


@api.patch(MINE, policy=access.user)
async def update_me(app: App, me: Me, body: MeUpdate) -> Account:
    """Change the caller's account. Absent fields stay, null clears."""
    changes = ProfileUpdate(about=body.bio)
    if not isinstance(body.name, UnsetType):
        changes.first_name, changes.last_name = profiles.halves(body.name)
    async with app.db.tx() as tx:
        await nightlife.update(tx, me, changes, body.location)
        if not isinstance(body.avatar, UnsetType):
            picture = Photo(body.avatar, "", "", 0, 0, 0) if body.avatar else None
            await profiles.use_picture(tx, me, Kind.AVATAR, picture)
        return await _account(tx, me.user())
