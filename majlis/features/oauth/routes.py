"""Signing in by Google, Apple and Facebook, and one's own accounts there, over HTTP."""

from typing import cast
from uuid import UUID

from majlis.app import App
from majlis.features.oauth import service
from majlis.features.oauth.model import (
    AppleBody,
    FacebookBody,
    GoogleBody,
    Identities,
    Identity,
    LinkBody,
)
from majlis.features.profiles.model import SignedIn
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me, Origin

api = http.Api("authentication")
OAUTH = "/api/v1/auth/oauth"
IDENTITIES = "/api/v1/auth/identities"
REFUSALS = (401, 403, 404, 409, 502)


def _answer(found: tuple[SignedIn, bool]) -> SignedIn:
    signed_in, new = found
    return cast(SignedIn, http.Answer(signed_in, 201 if new else 200))


@api.post(OAUTH + "/google", policy=access.none, also=201, errors=REFUSALS)
async def google(app: App, me: Me, body: GoogleBody, origin: Origin) -> SignedIn:
    """Sign in by Google, as the owner of a new account if need be: that answers 201."""
    return _answer(await service.google(app, me, body, origin))


@api.post(OAUTH + "/apple", policy=access.none, also=201, errors=REFUSALS)
async def apple(app: App, me: Me, body: AppleBody, origin: Origin) -> SignedIn:
    """Sign in by Apple, as the owner of a new account if need be: that answers 201."""
    return _answer(await service.apple(app, me, body, origin))


@api.post(OAUTH + "/facebook", policy=access.none, also=201, errors=REFUSALS)
async def facebook(app: App, me: Me, body: FacebookBody, origin: Origin) -> SignedIn:
    """Sign in by Facebook, as the owner of a new account if need be: that answers 201."""
    return _answer(await service.facebook(app, me, body, origin))


# No Idempotency-Key: with it a digest of the body would be kept, and linking twice changes nothing anyway.
@api.post(
    OAUTH + "/{provider}/link", policy=access.strong, also=201, idempotent=False, errors=(401, 409, 502)
)
async def link(app: App, me: Me, provider: str, body: LinkBody) -> Identity:
    """Make an account at Google, Apple or Facebook a way of signing in to the caller's; 201 when it was none."""
    identity, new = await service.link(app, me, provider, body)
    return cast(Identity, http.Answer(identity, 201 if new else 200))


@api.get(IDENTITIES, policy=access.user)
async def identities(app: App, me: Me) -> Identities:
    """What the caller can sign in by besides a password."""
    async with app.db.read() as tx:
        return Identities(await service.identities(tx, me))


@api.delete(IDENTITIES + "/{identity_id}", policy=access.strong, status=204, errors=(409,))
async def unlink(app: App, me: Me, identity_id: UUID) -> None:
    """Stop signing in by this account of another company. Refused while it is the only way in."""
    async with app.db.tx() as tx:
        await service.unlink(tx, me, identity_id)
