"""Verbs of bank accounts: connect, list, remove, hear from Plaid.

Plaid is asked between transactions, never inside. A login is stored as soon as there is a token for it, so that it can
be ended at Plaid whatever happens then; people see it once its accounts are known.
"""

from datetime import timedelta
from uuid import UUID

from majlis.app import App
from majlis.features.bank import store
from majlis.features.bank.facts import BankReported, BankRetired
from majlis.features.bank.model import Account, NoSupportedAccount
from majlis.features.identity import service as identity
from majlis.kit import clock, facts, ids
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.vendors.linking import GrantOver, ProviderFailed
from majlis.vendors.plaid import BadPublicToken, Exchanged, Found, LinkToken

TRIES = 5  # of asking for a login that changes meanwhile
UNFINISHED = timedelta(minutes=15)  # after which a login without accounts is ended
LOST = timedelta(hours=6)  # after which an ending is tried anew


def _ready(app: App) -> None:
    if app.db.held:
        raise RuntimeError("Plaid is asked outside of transactions: make the route idempotent=False")


async def link_token(app: App, me: Me) -> LinkToken:
    """What the app opens Plaid's pages with: to renew a login that needs it, else for a new one.

    Raises NotConfigured or ProviderFailed.
    """
    _ready(app)
    async with app.db.tx() as tx:
        item = await tx.one(store.TO_RENEW, me.user())
    if item is not None:
        try:
            return await app.plaid.link_token(str(me.user()), _token(app, item))
        except GrantOver:  # there is nothing to renew any more
            async with app.db.tx() as tx:
                await _drop(app, tx, item.id)
    return await app.plaid.link_token(str(me.user()), None)


async def connect(app: App, me: Me, public_token: str) -> Account:
    """Connect every checking and savings account behind a login; the first of them.

    Raises BadPublicToken, NoSupportedAccount, NotConfigured, ProviderFailed.
    """
    _ready(app)
    user_id = me.user()
    item = await _keep(app, me, user_id, await app.plaid.exchange(public_token))
    try:
        found = await app.plaid.accounts(_token(app, item))
        if not found.accounts:
            raise NoSupportedAccount()
        async with app.db.tx() as tx:
            return await _settle(tx, me, user_id, item.id, found)
    except (ProviderFailed, NoSupportedAccount, NotFound):
        async with app.db.tx() as tx:
            held = await tx.one(store.HOLD, item.id)
            if held is not None and held.state == "new":
                await _retire(app, tx, held)
        raise


async def _keep(app: App, me: Me, user_id: UUID, made: Exchanged) -> store.Item:
    """The login with its newest token. Raises BadPublicToken where it is another person's."""
    async with app.db.tx() as tx:
        item_id = ids.new()
        sealed = app.sealer.seal(made.access_token.encode(), store.TOKEN.place(item_id))
        item = await tx.one(store.ADD, item_id, user_id, made.item_id, sealed, clock.now())
        if item is None:
            raise BadPublicToken()
        if item.id != item_id:  # known since before: sealed for the place of that row
            item.access_token = app.sealer.seal(made.access_token.encode(), store.TOKEN.place(item.id))
            await tx.run(store.SET_TOKEN, item.id, item.access_token)
        return item


async def _settle(tx: Tx, me: Me, user_id: UUID, item_id: UUID, found: Found) -> Account:
    """Write the accounts of a login, and let them be seen. Raises NotFound when it was ended meanwhile."""
    await identity.hold(tx, me, user_id)
    item = await tx.one(store.HOLD, item_id)
    if item is None:
        raise NotFound()
    now = clock.now()
    for one in found.accounts:
        await tx.run(
            store.ADD_ACCOUNT,
            ids.new(),
            item_id,
            user_id,
            one.id,
            found.bank_name,
            one.subtype,
            one.mask,
            now,
        )
    await tx.one(store.MOVE, item_id, item.version, "good", now)
    account = await tx.one(store.ONE_OF_ITEM, item_id, found.accounts[0].id)
    if account is None:
        raise RuntimeError("an account that was just written is gone")
    return account


async def accounts(tx: Reader, me: Me) -> list[Account]:
    """The caller's accounts, the newest first."""
    return await tx.all(store.LIST, me.user())


async def remove(app: App, tx: Tx, me: Me, account_id: UUID) -> None:
    """Forget an account; the login is ended at Plaid with the last of its accounts. Raises NotFound."""
    await tx.one(store.ITEM_OF, account_id, me.user())
    item_id = await tx.one(store.REMOVE, account_id, me.user())
    if item_id is None:
        raise NotFound("There is no such account.")
    if await tx.one(store.USED, item_id) is None:
        await _drop(app, tx, item_id)


async def forget(app: App, tx: Tx, me: Me, user_id: UUID) -> None:
    """Forget every account of somebody, and have their logins ended at Plaid; for the system."""
    me.require_role("admin")
    for item in await tx.all(store.HOLD_OF_USER, user_id):
        await _retire(app, tx, item)


async def _drop(app: App, tx: Tx, item_id: UUID) -> None:
    item = await tx.one(store.HOLD, item_id)
    if item is not None:
        await _retire(app, tx, item)


async def _retire(app: App, tx: Tx, item: store.Item) -> None:
    """Forget a login that this transaction holds; a job ends it at Plaid."""
    removal_id = ids.new()
    sealed = app.sealer.seal(_token(app, item).encode(), store.REMOVAL_TOKEN.place(removal_id))
    await tx.run(store.ADD_REMOVAL, removal_id, sealed, clock.now())
    await tx.run(store.DROP, item.id)
    await facts.emit(tx, BankRetired(removal_id))


def _token(app: App, item: store.Item) -> str:
    return app.sealer.open(item.access_token, store.TOKEN.place(item.id)).decode()


async def receive(app: App, me: Me, body: bytes, signature: str) -> None:
    """What Plaid tells. A delivery that comes again changes nothing.

    Raises NotConfigured, BadWebhook, BadWebhookBody; ProviderFailed while the key of the signature cannot be had.
    """
    told = await app.plaid.verified(body, signature)
    if told.kind == "other":
        return
    async with app.db.tx() as tx:
        item = await tx.one(store.HOLD_BY_ITEM, told.item_id)
        if item is None:
            return
        if told.kind == "revoked":
            await _retire(app, tx, item)
            return
        if told.kind == "login_required" and item.state == "good":
            await tx.one(store.MOVE, item.id, item.version, "login_required", clock.now())
        await facts.emit(tx, BankReported(item.id))


async def sync(app: App, me: Me, item_id: UUID) -> None:
    """Ask Plaid how a login stands and write what it says, whatever order its webhooks came in; for the system."""
    me.require_role("admin")
    _ready(app)
    for _ in range(TRIES):
        async with app.db.tx() as tx:
            item = await tx.one(store.GET, item_id)
        if item is None or item.state == "new":
            return
        try:
            state = "login_required" if await app.plaid.needs_login(_token(app, item)) else "good"
        except GrantOver:
            async with app.db.tx() as tx:
                await _drop(app, tx, item_id)
            return
        async with app.db.tx() as tx:
            if await tx.one(store.MOVE, item_id, item.version, state, clock.now()) is not None:
                return
    raise RuntimeError(f"the login {item_id} changes without end")


async def end(app: App, me: Me, removal_id: UUID) -> None:
    """End a login at Plaid. Doing it twice changes nothing. Raises NotConfigured or ProviderFailed; for the system."""
    me.require_role("admin")
    async with app.db.tx() as tx:
        removal = await tx.one(store.REMOVAL, removal_id)
    if removal is None:
        return
    token = app.sealer.open(removal.access_token, store.REMOVAL_TOKEN.place(removal.id)).decode()
    await app.plaid.remove(token)
    async with app.db.tx() as tx:
        await tx.run(store.DROP_REMOVAL, removal_id)


async def unfinished(app: App, tx: Tx, me: Me) -> list[UUID]:
    """End logins whose accounts never came; the endings that are to be tried anew. For the system."""
    me.require_role("admin")
    for item_id in await tx.all(store.STALE, clock.now() - UNFINISHED):
        await _drop(app, tx, item_id)
    return await tx.all(store.LEFT, clock.now() - LOST)
