"""Registering, signing in, and one's own profile over HTTP."""

from majlis.app import App
from majlis.features.profiles import service
from majlis.features.profiles.model import LoginBody, ProfileUpdate, RegisterBody, Registered, SignedIn, User
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me, Origin

api = http.Api("profile")


@api.post("/api/v1/auth/register", policy=access.none, status=201, errors=(409,))
async def register(app: App, me: Me, body: RegisterBody, origin: Origin) -> Registered:
    """Open an account. A mail asks to confirm the address; the account is signed in at once."""
    return await service.register(app, me, body, origin)


@api.post("/api/v1/auth/login", policy=access.none, errors=(401, 403, 423))
async def login(app: App, me: Me, body: LoginBody, origin: Origin) -> SignedIn:
    """Sign in by e-mail and password."""
    return await service.login(app, me, body, origin)


@api.get("/api/v1/users/me", policy=access.user)
async def get_me(app: App, me: Me) -> User:
    """The caller's account and profile."""
    async with app.db.read() as tx:
        return await service.get_user(tx, me, me.user())


@api.put("/api/v1/users/me", policy=access.user)
async def update_me(app: App, me: Me, body: ProfileUpdate) -> User:
    """Change the caller's profile. Absent fields stay, null clears."""
    async with app.db.tx() as tx:
        return await service.update(tx, me, body)
