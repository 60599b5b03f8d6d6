"""One's own passkeys over HTTP. Registering and signing in by them are in signin."""

from uuid import UUID

from majlis.app import App
from majlis.features.passkeys import service
from majlis.features.passkeys.model import Passkey, Rename
from majlis.kit import http, page
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("authentication")
PASSKEYS = "/api/v1/auth/passkeys"


@api.get(PASSKEYS, policy=access.user)
async def passkeys(app: App, me: Me) -> http.Listing[Passkey]:
    """The caller's passkeys, all of them, oldest first."""
    async with app.db.read() as tx:
        return http.listing(page.Page(await service.passkeys(tx, me)))


@api.put(PASSKEYS + "/{passkey_id}", policy=access.user)
async def rename(app: App, me: Me, passkey_id: UUID, body: Rename) -> Passkey:
    """Give a passkey another name."""
    async with app.db.tx() as tx:
        return await service.rename(tx, me, passkey_id, body.name)


@api.delete(PASSKEYS + "/{passkey_id}", policy=access.strong, status=204)
async def remove(app: App, me: Me, passkey_id: UUID) -> None:
    """Remove a passkey. A mail tells the owner."""
    async with app.db.tx() as tx:
        await service.remove(tx, me, passkey_id)
