"""Registering, signing in and out, and new tokens."""

from uuid import UUID

from majlis.app import App
from majlis.features.mfa.model import Challenge
from majlis.features.profiles import service as profiles
from majlis.features.profiles.model import JoinBody
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import TokenPair as Pair
from majlis.kit import http
from majlis.kit.errors import FieldFault, Forbidden, Invalid
from majlis.kit.http import access
from majlis.kit.me import Me, Origin
from majlis.surfaces.compat.x18 import shapes
from majlis.surfaces.compat.x18.audience import AUDIENCE
from majlis.surfaces.compat.x18.shapes import (
    LoginBody,
    LogoutBody,
    RefreshBody,
    RegisterBody,
    SignedIn,
    TokenPair,
)

api = http.Api("auth")
AUTH = "/api/auth"


class SecondFactor(Forbidden):
    """This door has no way to ask for a second factor, and without it nobody comes in."""

    code, detail = "mfa_required", "This account has a second factor, which cannot be asked for here."


@api.post(AUTH + "/register", policy=access.none, status=201, errors=(409,))
async def register(app: App, me: Me, body: RegisterBody, origin: Origin) -> SignedIn:
    """Open an account, which is signed in at once. It counts at every door of this server."""
    new = JoinBody(username=body.username, email=body.email, password=body.password, name=body.display_name)
    return await _signed_in(app, *await profiles.join(app, me, new, origin, AUDIENCE))


@api.post(AUTH + "/login", policy=access.none, errors=(401, 403))
async def login(app: App, me: Me, body: LoginBody, origin: Origin) -> SignedIn:
    """Sign in by username or e-mail address, and password."""
    named = body.username or body.email
    if not named:
        words = "Give a username or an e-mail address."
        raise Invalid(words, fields=[FieldFault(name, "required", words) for name in ("username", "email")])
    user_id, outcome = await profiles.enter(app, me, named, body.password, origin, AUDIENCE)
    if isinstance(outcome, Challenge):
        raise SecondFactor()
    return await _signed_in(app, user_id, outcome)


async def _signed_in(app: App, user_id: UUID, pair: Pair) -> SignedIn:
    async with app.db.tx() as tx:  # not from a replica, which may be behind
        user = await shapes.private(tx, Me(id=user_id))
    return SignedIn(user, pair.access_token, pair.refresh_token)


@api.post(AUTH + "/logout", policy=access.user, status=204, idempotent=False)
async def logout(app: App, me: Me, body: LogoutBody) -> None:
    """Sign out: end the session of this refresh token, or without one every session of this door."""
    async with app.db.tx() as tx:
        await sessions.logout_of_door(app, tx, me, body.refresh_token or None)


@api.post(AUTH + "/refresh", policy=access.none, errors=(401, 403))
async def refresh(app: App, me: Me, body: RefreshBody) -> TokenPair:
    """Exchange a refresh token for a new pair. The old one is spent: showing it again ends the session."""
    pair = await sessions.refresh(app, me, body.refresh_token, AUDIENCE)
    return TokenPair(pair.access_token, pair.refresh_token)
