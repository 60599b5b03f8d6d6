"""Connected accounts over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.connections import service
from majlis.features.connections.model import (
    Attempt,
    Connection,
    Connections,
    Deletion,
    DeletionStatus,
    ExchangeBody,
    MusicBody,
)
from majlis.kit import http
from majlis.kit.http import Request, access
from majlis.kit.me import Me

api = http.Api("connections")
CONNECTIONS = "/api/v1/connections"
NOTICE_BYTES = 16 * 1024


@api.get(CONNECTIONS, policy=access.user)
async def connections(app: App, me: Me) -> Connections:
    """The caller's accounts at social networks, the newest first."""
    async with app.db.read() as tx:
        return Connections(await service.connections(tx, me))


@api.post(CONNECTIONS + "/{platform}/attempts", policy=access.user, idempotent=False, errors=(400, 503))
async def begin(app: App, me: Me, platform: str) -> Attempt:
    """Where the caller allows it: Instagram, TikTok, YouTube, Spotify, X (`twitter`) or SoundCloud."""
    return await service.begin(app, me, platform)


@api.post(CONNECTIONS + "/{platform}/exchange", policy=access.user, idempotent=False, errors=(400, 502, 503))
async def exchange(app: App, me: Me, platform: str, body: ExchangeBody) -> Connection:
    """Connect the account that the code stands for, instead of an earlier one at this network."""
    return await service.connect(app, me, platform, body.code, body.state)


@api.put(CONNECTIONS + "/apple_music", policy=access.user, errors=(502, 503))
async def connect_music(app: App, me: Me, body: MusicBody) -> Connection:
    """Connect Apple Music by the token of the caller's device."""
    return await service.connect_music(app, me, body.music_user_token)


@api.post(
    CONNECTIONS + "/{platform}/deauthorize",
    policy=access.none,
    status=204,
    max_body=NOTICE_BYTES,
    limit="signed",
    errors=(400, 503),
)
async def taken_back(app: App, me: Me, platform: str, request: Request) -> None:
    """Instagram (`signed_request` in a form) or TikTok (`TikTok-Signature`) tells that somebody took back what they allowed."""
    body = await request.body(NOTICE_BYTES)
    async with app.db.tx() as tx:
        await service.taken_back(app, tx, me, platform, body, request.header(b"tiktok-signature"))


@api.post(
    CONNECTIONS + "/{platform}/data-deletion",
    policy=access.none,
    max_body=NOTICE_BYTES,
    limit="signed",
    errors=(400, 503),
)
async def data_deletion(app: App, me: Me, platform: str, request: Request) -> Deletion:
    """Instagram tells that somebody wants their data deleted, with `signed_request` in a form."""
    body = await request.body(NOTICE_BYTES)
    async with app.db.tx() as tx:
        return await service.delete_told(app, tx, me, platform, body, "")


@api.get(CONNECTIONS + "/deletions/{code}", policy=access.none)
async def deletion(app: App, me: Me, code: str) -> DeletionStatus:
    """What became of such a request, for whoever has its code."""
    async with app.db.read() as tx:
        return await service.deletion(tx, me, code)


@api.delete(CONNECTIONS + "/{connection_id}", policy=access.owner, status=204)
async def remove(app: App, me: Me, connection_id: UUID) -> None:
    """Forget an account with its tokens, which are revoked at the network."""
    async with app.db.tx() as tx:
        await service.remove(app, tx, me, connection_id)
