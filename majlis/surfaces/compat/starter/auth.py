"""Registering, signing in and out, new tokens, and who the caller is."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from majlis.app import App
from majlis.features.mfa.model import Challenge
from majlis.features.profiles import service as profiles
from majlis.features.profiles.model import JoinBody
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import Email, Password
from majlis.features.sessions.model import TokenPair as Pair
from majlis.kit import http
from majlis.kit.errors import Forbidden, Invalid
from majlis.kit.http import access
from majlis.kit.me import Me, Origin
from majlis.surfaces.compat.starter import shapes
from majlis.surfaces.compat.starter.audience import AUDIENCE
from majlis.surfaces.compat.starter.shapes import Shape, SignedIn, TokenPair, User, says

api = http.Api("auth")
account = http.Api("account")  # of who is signed in already: not counted as attempts to
AUTH = "/api/v1/auth"
Token = Annotated[str, Meta(max_length=4096)]


class RegisterBody(Shape):
    """A new account."""

    name: Annotated[str, Meta(max_length=100, examples=["Amina Karimi"])]
    email: Email
    password: Password


class LoginBody(Shape):
    """Credentials."""

    email: Email
    password: Password


class RefreshBody(Shape):
    """The refresh token to exchange."""

    refresh_token: Token


class LogoutBody(Shape):
    """A refresh token whose session ends as well as the current one."""

    refresh_token: Token | None = None


class SecondFactor(Forbidden):
    """This door has no way to ask for a second factor, and without it nobody comes in."""

    code, detail = "mfa_required", "This account has a second factor, which cannot be asked for here."


@api.post(AUTH + "/register", policy=access.none, status=201, errors=(409,))
@says("User registered successfully")
async def register(app: App, me: Me, body: RegisterBody, origin: Origin) -> SignedIn:
    """Open an account, which is signed in at once. It counts at every door of this server."""
    name = body.name.strip()
    if not name:
        raise Invalid.field("name", "Give a name.", "required")
    new = JoinBody(email=body.email, password=body.password, name=name)
    return await _signed_in(app, *await profiles.join(app, me, new, origin, AUDIENCE))


@api.post(AUTH + "/login", policy=access.none, errors=(401, 403))
@says("Login successful")
async def login(app: App, me: Me, body: LoginBody, origin: Origin) -> SignedIn:
    """Sign in by e-mail address and password."""
    user_id, outcome = await profiles.enter(app, me, body.email, body.password, origin, AUDIENCE)
    if isinstance(outcome, Challenge):
        raise SecondFactor()
    return await _signed_in(app, user_id, outcome)


async def _signed_in(app: App, user_id: UUID, pair: Pair) -> SignedIn:
    async with app.db.tx() as tx:  # not from a replica, which may be behind
        user = await shapes.account(tx, Me(id=user_id))
    return SignedIn(user, pair.access_token, pair.refresh_token, pair.expires_in)


@api.post(AUTH + "/refresh", policy=access.none, errors=(401, 403))
@says("Token refreshed successfully")
async def refresh(app: App, me: Me, body: RefreshBody) -> TokenPair:
    """Exchange a refresh token for a new pair. The old one is spent: showing it again ends the session."""
    pair = await sessions.refresh(app, me, body.refresh_token, AUDIENCE)
    return TokenPair(pair.access_token, pair.refresh_token, pair.expires_in)


@account.get(AUTH + "/profile", policy=access.user)
@says("Profile retrieved successfully")
async def profile(app: App, me: Me) -> User:
    """The account of the caller."""
    async with app.db.read() as tx:
        return await shapes.account(tx, me)


@account.post(AUTH + "/logout", policy=access.user, idempotent=False)
@says("Logout successful")
async def logout(app: App, me: Me, body: LogoutBody) -> None:
    """Sign out: end the current session and that of the refresh token. Sockets that they opened are closed."""
    async with app.db.tx() as tx:
        if body.refresh_token:
            await sessions.logout_of_door(app, tx, me, body.refresh_token)
        else:
            await sessions.logout(app, tx, me, None)
