"""Bank accounts, and what Plaid tells of them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from majlis.app import App
from majlis.features.bank import service as bank
from majlis.features.bank.model import Account, NoSupportedAccount
from majlis.kit import http
from majlis.kit.http import Request, access
from majlis.kit.me import Me
from majlis.surfaces.compat.sioree.shapes import BankAccount, Error, Shape, Success

api = http.Api("bank")
BANK = "/api/bank"
WEBHOOK_BYTES = 1024 * 1024


class BankLink(Shape):
    """What the app opens Plaid's pages with."""

    link_token: str
    expiration: datetime


class PublicTokenBody(Shape):
    """What the app got from Plaid's pages."""

    public_token: Annotated[str, Meta(min_length=1, max_length=1000)]


class ConnectedBank(Shape):
    """The first account of the bank; all of them are in the list."""

    account: BankAccount


class BankAccounts(Shape):
    """All of the caller's accounts."""

    accounts: list[BankAccount]


class PlaidWebhook(Shape, rename=None):
    """What Plaid tells, signed. Other fields differ by code."""

    webhook_type: str
    webhook_code: str
    item_id: str = ""


def shown(account: Account) -> BankAccount:
    """An account in the contract's shape."""
    return BankAccount(
        account.id,
        account.bank_name,
        account.account_type,
        account.last4,
        account.is_verified,
        account.created_at,
    )


@api.post(BANK + "/link-token", policy=access.user, idempotent=False, errors=(502, 503))
async def link_token(app: App, me: Me) -> BankLink:
    """What the app opens Plaid's pages with: to renew a login that the bank wants anew, else for a new bank."""
    made = await bank.link_token(app, me)
    return BankLink(made.token, made.expiration)


@api.post(BANK + "/exchange-token", policy=access.user, idempotent=False, errors=(502, 503))
async def exchange_token(app: App, me: Me, body: PublicTokenBody) -> ConnectedBank:
    """Connect every checking and savings account of the bank; answers the first."""
    try:
        return ConnectedBank(shown(await bank.connect(app, me, body.public_token)))
    except NoSupportedAccount as refused:  # faulty fields are 400 at this door, this alone is 422
        body_of = Error(refused.code, refused.detail)
        return http.Answer(body_of, 422)  # type: ignore[return-value]


@api.get(BANK + "/accounts", policy=access.user)
async def accounts(app: App, me: Me) -> BankAccounts:
    """The caller's bank accounts, the newest first."""
    async with app.db.read() as tx:
        return BankAccounts([shown(one) for one in await bank.accounts(tx, me)])


@api.delete(BANK + "/accounts/{account_id}", policy=access.owner)
async def remove(app: App, me: Me, account_id: UUID) -> Success:
    """Forget an account. With the last one of a bank, what was allowed ends at Plaid too."""
    async with app.db.tx() as tx:
        await bank.remove(app, tx, me, account_id)
    return Success()


@api.post(
    "/api/webhooks/plaid",
    policy=access.none,
    max_body=WEBHOOK_BYTES,
    form=PlaidWebhook,
    limit="signed",
    errors=(400, 401, 502, 503),
)
async def webhook(app: App, me: Me, request: Request) -> Success:
    """What Plaid tells, signed in `Plaid-Verification`. A delivery that comes again changes nothing."""
    raw = await request.body(WEBHOOK_BYTES)
    await bank.receive(app, me, raw, request.header(b"plaid-verification"))
    return Success()
