"""Verbs of incoming webhooks: make one, look, remove it, and hear what is posted to it."""

import hmac
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.channels import service as channels
from majlis.features.channels.model import ChannelArchived, Guest, NoChannel
from majlis.features.discussions import service as discussions
from majlis.features.discussions.model import Bot, ReadOnly
from majlis.features.filters import service as filters
from majlis.features.filters.model import RefusedWords
from majlis.features.messages.model import MAX_DATA, ReusedKey, Sending
from majlis.features.webhooks import store
from majlis.features.webhooks.model import (
    MOST,
    NewWebhook,
    NoWebhook,
    Told,
    TooManyWebhooks,
    Unheard,
    Webhook,
    WebhookCreate,
    read,
)
from majlis.features.workspaces import service as workspaces
from majlis.features.workspaces.model import NoWorkspace
from majlis.kit import clock, crypto, ids, limits, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, Refused
from majlis.kit.limits import Limit
from majlis.kit.me import Me

PATH = "/hooks"
PACE = Limit("hook", 1, 1)
GUESSES = Limit("hook guesses", 20, 60)  # of one address, which knows no secret
_NOBODYS = bytes(32)
# What is answered to the sender of a payload, by what was refused.
_WORDS: tuple[tuple[type[Refused], str, int], ...] = (
    (ChannelArchived, "channel_is_archived", 410),
    (NoChannel, "channel_not_found", 404),
    (ReadOnly, "action_prohibited", 403),
    (Guest, "action_prohibited", 403),
    (NoWorkspace, "no_service", 404),
    (RefusedWords, "action_prohibited", 403),
    (ReusedKey, "invalid_payload", 409),
    (Invalid, "invalid_payload", 400),
)


async def create(app: App, tx: Tx, me: Me, workspace_id: UUID, body: WebhookCreate) -> NewWebhook:
    """A webhook that speaks for the caller in a channel they may write in, with its address: told now, and never again.

    Raises NoWorkspace, NoChannel, NotIn, Guest, ReadOnly, ChannelArchived, TooManyWebhooks, Invalid.
    """
    standing = await workspaces.hold(tx, me, workspace_id)
    if standing.is_guest:
        raise Guest()
    at = await channels.access(tx, me, body.channel_id)
    if at.workspace_id != workspace_id:
        raise NoChannel()
    at.require_member()
    at.require_open()
    if at.posting_policy == "moderators" and not at.is_moderator:
        raise ReadOnly()
    if (await tx.one(store.COUNT, workspace_id) or 0) >= MOST:
        raise TooManyWebhooks()
    name = " ".join(body.display_name.split())
    if not name:
        raise Invalid.field("display_name", "A name is not empty.", "required")
    await filters.refuse(tx, me, {"display_name": name})
    secret, now = crypto.token(), clock.now()
    made = Webhook(ids.new(), workspace_id, at.id, name, body.icon_url, me.user(), now)
    await tx.run(
        store.ADD, made.id, workspace_id, at.id, me.user(), name, body.icon_url, crypto.digest(secret), now
    )
    await workspaces.record(tx, me, workspace_id, "add_webhook", name, data={"webhook_id": str(made.id)})
    url = f"{app.settings.base_url()}{PATH}/{made.id}/{secret}"
    return NewWebhook(**msgspec.structs.asdict(made), url=url)


async def listing(tx: Reader, me: Me, workspace_id: UUID, paging: page.Paging) -> page.Page[Webhook]:
    """The webhooks of a workspace for admins, one's own for others; the oldest first. Raises NoWorkspace."""
    standing = await workspaces.standing(tx, me, workspace_id)
    whose = None if standing.is_admin else me.user()
    behind = page.decode("webhooks", paging.cursor, tuple[UUID])[0] if paging.cursor else None
    offset = 0 if behind else paging.offset or 0
    rows = await tx.all(store.LIST, workspace_id, whose, behind, paging.limit + 1, offset)
    shown = rows[: paging.limit]
    more = page.encode("webhooks", shown[-1].id) if len(rows) > len(shown) else None
    total = None
    if paging.offset is not None and not behind:
        total = await tx.one(store.LISTED, workspace_id, whose)
    return page.Page(shown, more, total)


async def delete(tx: Tx, me: Me, webhook_id: UUID) -> None:
    """Remove a webhook, for who made it and admins. Raises NoWebhook."""
    found = await tx.one(store.ONE, webhook_id)
    if found is None:
        raise NoWebhook()
    try:
        standing = await workspaces.hold(tx, me, found.workspace_id)
    except NoWorkspace:
        raise NoWebhook() from None
    if found.created_by != me.user() and not standing.is_admin:
        raise NoWebhook()
    await tx.run(store.DELETE, webhook_id)
    data = {"webhook_id": str(webhook_id)}
    await workspaces.record(tx, me, found.workspace_id, "remove_webhook", found.display_name, data=data)


# ---- what is posted


async def post(
    app: App, me: Me, address: tuple[str, str], ip: str, body: bytes, kind: str, key: str | None
) -> None:
    """Say in a channel what somebody posted to a webhook's id and secret; once under a key. Raises Unheard."""
    hook = await _heard(app, me, address, ip)
    verdict = await app.limiter.hit(PACE, str(hook.id))
    if not verdict.allowed:
        raise Unheard("rate_limited", 429, limits.headers(verdict))
    told = read(body, kind)
    try:
        async with app.db.tx() as tx:
            await _say(tx, hook, told, key)
    except Unheard:
        raise
    except Refused as refused:
        for refusal, word, status in _WORDS:
            if isinstance(refused, refusal):
                raise Unheard(word, status) from refused
        raise


async def _heard(app: App, me: Me, address: tuple[str, str], ip: str) -> store.Armed:
    """The webhook of this id and secret. What does not exist takes as long as what is guessed wrong."""
    place = limits.ip_key(ip)
    if not (await app.limiter.check(GUESSES, place)).allowed:
        raise Unheard("rate_limited", 429, {"Retry-After": str(GUESSES.seconds)})
    webhook_id, secret = address
    named = ids.parse(webhook_id)
    hook = None
    if named is not None:
        async with app.db.fresh() as tx:
            hook = await tx.one(store.ARMED, named)
    right = hmac.compare_digest(crypto.digest(secret), _NOBODYS if hook is None else hook.secret_hash)
    if hook is None or not right:
        await app.limiter.hit(GUESSES, place)
        raise Unheard("no_service", 404)
    return hook


async def _say(tx: Tx, hook: store.Armed, told: Told, key: str | None) -> None:
    """Whoever made the webhook must still be allowed to write there; they are not who speaks.

    The name in a payload obeys the same filters as that of the webhook: both stand beside the text.
    """
    author = Me(id=hook.created_by)
    if told.name:
        await filters.refuse(tx, author, {"username": told.name})
    root = None
    if told.thread_us is not None:
        found = await tx.one(store.ROOT, hook.channel_id, told.thread_us)
        if found is None or found.ts_us != told.thread_us:
            raise Unheard("thread_not_found")
        root = found.id
    speaker = await workspaces.bot(tx, Me.system, hook.workspace_id)
    said = Sending(
        client_msg_id=None if key is None else f"{hook.id}:{key}",
        text=told.text,
        thread_root_id=root,
        data=msgspec.Raw(_data(hook, told)),
    )
    await discussions.say(tx, author, hook.channel_id, said, speaker)


def _data(hook: store.Armed, told: Told) -> bytes:
    """How the speaker is shown, and the blocks where they are not too large: the text says the same."""
    shown = Bot(hook.id, told.name or hook.display_name, told.icon_url or hook.icon_url, told.icon_emoji)
    whole = msgspec.json.encode({"bot": shown, "blocks": told.blocks})
    return whole if told.blocks and len(whole) <= MAX_DATA else msgspec.json.encode({"bot": shown})
