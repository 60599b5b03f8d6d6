"""Verbs of connected accounts: begin, connect, renew, remove.

Networks are asked between transactions, never inside. Tokens that nobody needs are revoked by jobs: a removal does not
wait for a network, and outlives the account.
"""

from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.connections import store
from majlis.features.connections.facts import TokenRetired
from majlis.features.connections.model import (
    Attempt,
    BadState,
    CodeRequired,
    Connection,
    Deletion,
    DeletionStatus,
    UnknownPlatform,
)
from majlis.features.identity import service as identity
from majlis.kit import clock, crypto, facts, ids, log
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.vendors.connections import OAUTH, Profile, Tokens
from majlis.vendors.connections.notices import BadNotice, Notice
from majlis.vendors.linking import GrantOver, ProviderFailed

logger = log.get("majlis.connections")
LIFE = timedelta(minutes=10)  # of an attempt
CLAIM = timedelta(minutes=1)  # longer than a network is waited for
AGAIN = timedelta(minutes=10)  # until a network that does not answer is asked again
LOOK = timedelta(days=7)  # between two looks at a token that nothing renews
LOST = timedelta(hours=6)  # after which a revocation is tried anew
SKEW = timedelta(minutes=1)  # by which a network's clock may be behind
KEPT = timedelta(days=180)  # how long people can see that their data was deleted
CODE = 32  # hexadecimal digits of what they see it with
MUSIC = "apple_music"


def _ready(app: App) -> None:
    if app.db.held:
        raise RuntimeError("networks are asked outside of transactions: make the route idempotent=False")


# ---- connecting


async def begin(app: App, me: Me, platform: str) -> Attempt:
    """Where the caller allows it, at this network, within ten minutes. Raises NotConfigured or UnknownPlatform."""
    network = app.social.get(_oauth(platform))
    state, attempt_id = crypto.token(), ids.new()
    verifier = crypto.token() if network.pkce else None
    sealed = app.sealer.seal(verifier.encode(), store.VERIFIER.place(attempt_id)) if verifier else ""
    async with app.db.tx() as tx:
        await tx.run(store.TRIM_ATTEMPTS, me.user())
        await tx.run(
            store.ADD_ATTEMPT,
            attempt_id,
            crypto.digest(state),
            me.user(),
            platform,
            sealed,
            clock.now() + LIFE,
        )
    return Attempt(network.authorize_url(state, verifier), state)


def _oauth(platform: str) -> str:
    if platform not in OAUTH:
        raise UnknownPlatform()
    return platform


def landing(app: App, me: Me, platform: str, told: dict[str, str]) -> str:
    """Where in the app people end who come back from a network, with what it told. Raises UnknownPlatform."""
    link = app.social.app_link(_oauth(platform))
    return f"{link}{'&' if '?' in link else '?'}{urlencode(told)}" if told else link


async def connect(app: App, me: Me, platform: str, code: str, state: str) -> Connection:
    """Connect the account that the code stands for, instead of an earlier one at this network.

    Raises NotConfigured, UnknownPlatform, CodeRequired, BadState, ProviderFailed.
    """
    _ready(app)
    user_id, network = me.user(), app.social.get(_oauth(platform))
    if not code:
        raise CodeRequired()
    async with app.db.tx() as tx:
        begun = await tx.one(store.TAKE_ATTEMPT, crypto.digest(state), user_id, platform)
    if begun is None or begun.expires_at <= clock.now():
        raise BadState()
    verifier = None
    if begun.verifier:
        verifier = app.sealer.open(begun.verifier, store.VERIFIER.place(begun.id)).decode()
    tokens = await network.exchange(code, verifier)
    try:
        return await _keep(app, me, platform, tokens, await network.profile(tokens))
    except (ProviderFailed, NotFound):
        async with app.db.tx() as tx:
            await _retire(app, tx, platform, tokens.refresh_token or tokens.access_token)
        raise


async def connect_music(app: App, me: Me, user_token: str) -> Connection:
    """Connect Apple Music by the token of the caller's device. Raises NotConfigured or ProviderFailed."""
    _ready(app)
    profile = await app.social.music.profile(user_token)
    return await _keep(app, me, MUSIC, Tokens(access_token=user_token), profile)


async def _keep(app: App, me: Me, platform: str, tokens: Tokens, profile: Profile) -> Connection:
    """Write a connection. Raises NotFound when the account was deleted meanwhile."""
    now, new_id = clock.now(), ids.new()
    access, refresh = _sealed(app, new_id, tokens)
    async with app.db.tx() as tx:
        await identity.hold(tx, me, me.user())
        old = await tx.one(store.TAKE_PLATFORM, me.user(), platform)
        made = await tx.one(
            store.ADD, new_id, me.user(), platform, profile.subject, profile.username, profile.profile_url, access,
            refresh, tokens.expires_at, _refresh_after(app, platform, tokens, now), now, profile.app_subject,
        )  # fmt: skip
        # Of the same account there, revoking the old tokens would revoke the new ones too at some networks.
        if old is not None and old.subject != profile.subject:
            await _retire_row(app, tx, old)
    if made is None:
        raise RuntimeError("a connection was not written")
    return made


def _sealed(app: App, connection_id: UUID, tokens: Tokens) -> tuple[str, str]:
    access = app.sealer.seal(tokens.access_token.encode(), store.ACCESS.place(connection_id))
    if tokens.refresh_token is None:
        return access, ""
    return access, app.sealer.seal(tokens.refresh_token.encode(), store.REFRESH.place(connection_id))


def _refresh_after(app: App, platform: str, tokens: Tokens, now: datetime) -> datetime | None:
    """After five sixths of its life, which are 50 of 60 days; None for what nothing can renew."""
    if platform == MUSIC:
        return now + LOOK
    if tokens.refresh_token is None and not app.social.get(platform).renews:
        return None
    return None if tokens.expires_at is None else now + (tokens.expires_at - now) * 5 / 6


# ---- looking, removing


async def connections(tx: Reader, me: Me) -> list[Connection]:
    """The caller's, the newest first."""
    return await tx.all(store.LIST, me.user())


async def remove(app: App, tx: Tx, me: Me, connection_id: UUID) -> None:
    """Forget an account with its tokens, which a job revokes at the network. Raises NotFound."""
    row = await tx.one(store.TAKE, connection_id, me.user())
    if row is None:
        raise NotFound("There is no such account.")
    await _retire_row(app, tx, row)


async def forget(app: App, tx: Tx, me: Me, user_id: UUID) -> None:
    """Forget all accounts of somebody; for the system."""
    me.require_role("admin")
    for row in await tx.all(store.TAKE_ALL, user_id):
        await _retire_row(app, tx, row)


async def _retire_row(app: App, tx: Tx, row: store.Row) -> None:
    if not row.is_connected or row.platform == MUSIC:
        return
    if await tx.one(store.SHARED, row.platform, row.subject) is None:
        tokens = _opened(app, row)
        await _retire(app, tx, row.platform, tokens.refresh_token or tokens.access_token)


async def _retire(app: App, tx: Tx, platform: str, token: str) -> None:
    revocation_id = ids.new()
    sealed = app.sealer.seal(token.encode(), store.REVOCATION.place(revocation_id))
    await tx.run(store.ADD_REVOCATION, revocation_id, platform, sealed, clock.now())
    await facts.emit(tx, TokenRetired(revocation_id))


def _opened(app: App, row: store.Row) -> Tokens:
    access = app.sealer.open(row.access_token, store.ACCESS.place(row.id)).decode()
    refresh = None
    if row.refresh_token:
        refresh = app.sealer.open(row.refresh_token, store.REFRESH.place(row.id)).decode()
    return Tokens(access_token=access, refresh_token=refresh, expires_at=row.expires_at)


async def revoke(app: App, me: Me, revocation_id: UUID) -> None:
    """Take a token back at its network. Doing it twice changes nothing. For the system.

    Raises NotConfigured or ProviderFailed.
    """
    me.require_role("admin")
    async with app.db.tx() as tx:
        row = await tx.one(store.GET_REVOCATION, revocation_id)
    if row is None:
        return
    token = app.sealer.open(row.token, store.REVOCATION.place(row.id)).decode()
    await app.social.get(row.platform).revoke(token)
    async with app.db.tx() as tx:
        await tx.run(store.DROP_REVOCATION, revocation_id)


# ---- what networks tell


def _told(app: App, platform: str, body: bytes, signature: str) -> Notice | None:
    notice = app.social.get(_oauth(platform)).notice(body, signature)
    return None if notice is None else msgspec.structs.replace(notice, at=notice.at + SKEW)


async def taken_back(app: App, tx: Tx, me: Me, platform: str, body: bytes, signature: str) -> None:
    """Somebody took back at a network what they allowed: its tokens are nothing any more. Again changes nothing.

    Raises NotConfigured, UnknownPlatform, BadNotice.
    """
    notice = _told(app, platform, body, signature)
    if notice is not None:
        await tx.run(store.TAKEN_BACK, platform, notice.subject, notice.at, clock.now())
        logger.info("connection_taken_back", platform=platform)


async def delete_told(app: App, tx: Tx, me: Me, platform: str, body: bytes, signature: str) -> Deletion:
    """Somebody wants their data deleted that a network gave us; the same answer to the same request.

    Raises NotConfigured, UnknownPlatform, BadNotice.
    """
    notice = _told(app, platform, body, signature)
    if notice is None:
        raise BadNotice()
    await tx.run(store.DELETE_TOLD, platform, notice.subject, notice.at)
    code = crypto.digest(f"{platform}:{body.decode()}").hex()[:CODE]
    await tx.run(store.ADD_DELETION, code, platform, clock.now())
    return Deletion(f"{app.settings.base_url()}/api/v1/connections/deletions/{code}", code)


async def deletion(tx: Reader, me: Me, code: str) -> DeletionStatus:
    """What became of a request to delete, for whoever has its code. Raises NotFound."""
    found = await tx.one(store.DELETION, code)
    if found is None:
        raise NotFound("There is no such request. It may be older than half a year.")
    detail = f"Everything that we kept of your {found.platform} account was deleted."
    return DeletionStatus("deleted", detail, found.deleted_at)


# ---- renewing


async def due(tx: Tx, me: Me) -> list[UUID]:
    """Connections whose tokens have to be renewed or looked at; what nothing renews ends here. For the system."""
    me.require_role("admin")
    now = clock.now()
    await tx.run(store.ENDED, now)
    return await tx.all(store.DUE, now)


async def refresh(app: App, me: Me, connection_id: UUID) -> None:
    """Renew the tokens of a connection, unless somebody else is at it; for the system.

    A network that does not answer is asked again later; one that says no ends the connection.
    """
    me.require_role("admin")
    _ready(app)
    now = clock.now()
    claim = now + CLAIM
    async with app.db.tx() as tx:
        row = await tx.one(store.CLAIM, connection_id, now, claim)
    if row is None:
        return
    tokens = _opened(app, row)
    try:
        if row.platform == MUSIC:
            await app.social.music.profile(tokens.access_token)
            made = tokens
        else:
            made = await app.social.get(row.platform).refresh(tokens)
    except GrantOver:
        logger.info("connection_over", platform=row.platform, connection=row.id)
        async with app.db.tx() as tx:
            await tx.run(store.OVER, row.id, claim, clock.now())
        return
    except ProviderFailed:  # the operator was told why
        async with app.db.tx() as tx:
            await tx.run(store.LATER, row.id, claim, clock.now() + AGAIN)
        return
    await _renewed(app, row, claim, made)


async def _renewed(app: App, row: store.Row, claim: datetime, made: Tokens) -> None:
    now = clock.now()
    access, sealed = _sealed(app, row.id, made)
    async with app.db.tx() as tx:
        after = _refresh_after(app, row.platform, made, now)
        if await tx.one(store.RENEW, row.id, claim, access, sealed, made.expires_at, after, now) is not None:
            return
        # Removed or connected anew meanwhile: the newer tokens are nobody's.
        if row.platform != MUSIC and await tx.one(store.SHARED, row.platform, row.subject) is None:
            await _retire(app, tx, row.platform, made.refresh_token or made.access_token)


async def tidy(tx: Tx, me: Me) -> list[UUID]:
    """Forget attempts that are over; the revocations that are to be tried anew. For the system."""
    me.require_role("admin")
    await tx.run(store.PURGE_ATTEMPTS, clock.now())
    await tx.run(store.PURGE_DELETIONS, clock.now() - KEPT)
    return await tx.all(store.LEFT, clock.now() - LOST)
