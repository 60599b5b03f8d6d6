"""Payouts over HTTP."""

from majlis.app import App
from majlis.features.payouts import service
from majlis.features.payouts.model import AccountBody, Onboarding, Payout, PayoutAccount, PayoutBody
from majlis.kit import http
from majlis.kit.http import Listing, PageQuery, access, listing
from majlis.kit.me import Me

api = http.Api("payments")
ACCOUNT, PAYOUTS = "/api/v1/payments/account", "/api/v1/payments/payouts"


# No Idempotency-Key here: Stripe is asked, and not inside a transaction. A second link is no harm.
@api.post(
    ACCOUNT, policy=access.strong, status=201, limit="post", idempotent=False, errors=(402, 404, 409, 502)
)
async def onboard(app: App, me: Me, body: AccountBody) -> Onboarding:
    """A link under which the caller tells Stripe who they are, to be paid out."""
    return await service.onboard(app, me, body.country)


@api.get(ACCOUNT, policy=access.user, errors=(404,))
async def account(app: App, me: Me) -> PayoutAccount:
    """Whether the caller can be paid out."""
    async with app.db.read() as tx:
        return await service.account(tx, me)


@api.get(PAYOUTS, policy=access.user)
async def payouts(app: App, me: Me, query: PageQuery) -> Listing[Payout]:
    """What was paid out to the caller, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.payouts(tx, me, query.paging()))


@api.post(PAYOUTS, policy=access.strong, status=201, errors=(404, 409))
async def pay_out(app: App, me: Me, body: PayoutBody) -> Payout:
    """Pay out what is owed to the caller. Without asking, it is done once a day."""
    async with app.db.tx() as tx:
        return await service.pay_out(tx, me, body.currency, body.amount)
