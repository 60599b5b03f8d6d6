"""SocialAccounts at social networks."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import RedirectResponse

from majlis.app import App
from majlis.features.connections import service as connections
from majlis.features.connections.model import Code, Connection, State
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.sioree.shapes import Shape, SocialAccount, Success

api = http.Api("social")
SOCIAL = "/api/social"
# The only networks that this contract has operations for; others are connected at the native door.
NETWORKS = ("instagram", "tiktok", "youtube", "spotify")
SIGNED = ("instagram", "tiktok")  # whose names are shown with a sign
Told = Annotated[str, Meta(max_length=4096)]


class AuthUrl(Shape):
    """Where the person allows it, and what comes back with the code."""

    auth_url: str
    state: str


class SocialCodeBody(Shape):
    """What came back from the network."""

    code: Code = ""
    state: State = ""


class ConnectedSocial(Shape):
    """The account that was connected."""

    account: SocialAccount


class SocialAccounts(Shape):
    """All of the caller's accounts."""

    accounts: list[SocialAccount]


class CallbackQuery(msgspec.Struct):
    """What a network tells the person's browser."""

    code: Told | None = None
    state: Told | None = None
    error: Told | None = None


def shown(one: Connection) -> SocialAccount:
    """An account in the contract's shape."""
    name = f"@{one.username}" if one.platform in SIGNED else one.username
    return SocialAccount(one.id, one.platform, name, one.profile_url, one.is_connected, one.connected_at)


def _serve(platform: str) -> None:
    """The two operations of a network: the contract has a path for each."""

    @api.get(f"{SOCIAL}/{platform}/auth-url", policy=access.user, errors=(503,))
    async def auth_url(app: App, me: Me) -> AuthUrl:
        """Where the caller allows the network's data to be read, within ten minutes."""
        begun = await connections.begin(app, me, platform)
        return AuthUrl(begun.url, begun.state)

    @api.post(f"{SOCIAL}/{platform}/exchange", policy=access.user, idempotent=False, errors=(400, 502, 503))
    async def exchange(app: App, me: Me, body: SocialCodeBody) -> ConnectedSocial:
        """Connect the account that the code stands for, instead of an earlier one at this network."""
        return ConnectedSocial(shown(await connections.connect(app, me, platform, body.code, body.state)))


for _platform in NETWORKS:
    _serve(_platform)


@api.get(SOCIAL + "/accounts", policy=access.user)
async def accounts(app: App, me: Me) -> SocialAccounts:
    """The caller's accounts at social networks, the newest first."""
    async with app.db.read() as tx:
        return SocialAccounts([shown(one) for one in await connections.connections(tx, me)])


@api.delete(SOCIAL + "/accounts/{account_id}", policy=access.owner)
async def remove(app: App, me: Me, account_id: UUID) -> Success:
    """Forget an account with its tokens, which are revoked at the network."""
    async with app.db.tx() as tx:
        await connections.remove(app, tx, me, account_id)
    return Success()


@api.get(
    SOCIAL + "/{platform}/callback", policy=access.none, status=302, content_type="text/plain", errors=(400,)
)
async def callback(app: App, me: Me, platform: str, query: CallbackQuery) -> Any:
    """Where networks send people back to: on to the app, with what came. The code is not looked at here."""
    told = {name: value for name, value in msgspec.structs.asdict(query).items() if value is not None}
    url = connections.landing(app, me, platform, told)
    return RedirectResponse(url, 302, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
