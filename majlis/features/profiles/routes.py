"""Registering, signing in, and one's own profile over HTTP."""

from typing import Any

from majlis.app import App
from majlis.features.profiles import service
from majlis.features.profiles.model import (
    AvatarSet,
    CoverSet,
    LeaveBody,
    LeaveQuery,
    LoginBody,
    ProfileUpdate,
    RegisterBody,
    Registered,
    SignedIn,
    User,
)
from majlis.kit import http
from majlis.kit.http import Upload, access
from majlis.kit.me import Me, Origin
from majlis.vendors.images import Kind

api = http.Api("profile")
auth = http.Api("authentication")
# One picture of 10 MiB and the form around it.
FORM: dict[str, Any] = {
    "max_files": 1,
    "multipart_only": True,
    "max_body": 11 * 1024 * 1024,
    "limit": "upload",
    "errors": (400, 413, 415),
}


@auth.post("/api/v1/auth/register", policy=access.none, status=201, errors=(409,))
async def register(app: App, me: Me, body: RegisterBody, origin: Origin) -> Registered:
    """Open an account. A mail asks to confirm the address; the account is signed in at once."""
    return await service.register(app, me, body, origin)


@auth.post("/api/v1/auth/login", policy=access.none, errors=(401, 403, 423))
async def login(app: App, me: Me, body: LoginBody, origin: Origin) -> SignedIn:
    """Sign in by e-mail and password."""
    return await service.login(app, me, body, origin)


@api.get("/api/v1/users/me", policy=access.user)
async def get_me(app: App, me: Me) -> User:
    """The caller's account and profile."""
    async with app.db.read() as tx:
        return await service.get_user(tx, me, me.user())


@api.put("/api/v1/users/me", policy=access.user, errors=(409,))
async def update_me(app: App, me: Me, body: ProfileUpdate) -> User:
    """Change the caller's profile. Absent fields stay, null clears; a new location fills absent place fields."""
    return await service.revise(app, me, body)


@api.delete("/api/v1/users/me/account", policy=access.strong, status=204, errors=(401, 403, 409))
async def leave(app: App, me: Me, body: LeaveBody, query: LeaveQuery) -> None:
    """Delete the caller's account. A reason is needed, by body or query; the address is free again then."""
    reason = body.reason if body.reason is not None else query.reason
    details = body.details if body.details is not None else query.details
    await service.leave(app, me, reason, details, body.password)


@api.post("/api/v1/users/me/avatar", policy=access.user, **FORM)
async def set_avatar(app: App, me: Me, file: Upload) -> AvatarSet:
    """Set the caller's picture, cropped to 400 x 400. The former one is removed."""
    return AvatarSet(await service.set_picture(app, me, file, Kind.AVATAR))


@api.post("/api/v1/users/me/cover", policy=access.user, **FORM)
async def set_cover(app: App, me: Me, file: Upload) -> CoverSet:
    """Set the cover of the caller's profile, cropped to 1600 x 900. The former one is removed."""
    return CoverSet(await service.set_picture(app, me, file, Kind.COVER))


@api.delete("/api/v1/users/me/avatar", policy=access.user, status=204)
async def remove_avatar(app: App, me: Me) -> None:
    """Remove the caller's picture."""
    async with app.db.tx() as tx:
        await service.remove_picture(tx, me, Kind.AVATAR)


@api.delete("/api/v1/users/me/cover", policy=access.user, status=204)
async def remove_cover(app: App, me: Me) -> None:
    """Remove the cover of the caller's profile."""
    async with app.db.tx() as tx:
        await service.remove_picture(tx, me, Kind.COVER)
