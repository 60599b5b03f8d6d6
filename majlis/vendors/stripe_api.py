"""Stripe through its own client library."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import stripe

from majlis.kit import log
from majlis.vendors import stripe_wire as wire
from majlis.vendors.stripe import (
    TOLERANCE_S,
    BadSignature,
    Connected,
    Hint,
    Intent,
    Link,
    Recurring,
    Returned,
    StripeRefused,
    StripeUnavailable,
    read,
)

T = TypeVar("T")
TIMEOUT_S = 15.0
RETRIES = 2  # by the library, with the same key
CONFLICT = 409
MOST = 100  # objects of a page of a list
logger = log.get("majlis.stripe")


class _Http(stripe.HTTPXClient):
    """The library's client, with the body where httpx wants it: elsewhere it warns."""

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any
    ) -> list[Any]:
        args, options = super()._get_request_args_kwargs(method, url, headers, post_data)
        options["content"] = options.pop("data") or None
        return [args, options]


class Stripe:
    """See vendors.stripe.Processor."""

    enabled = True

    def __init__(self, key: str, secrets: Sequence[str], url: str) -> None:
        self._secrets = secrets
        self._http = _Http(timeout=TIMEOUT_S)
        base = url.rstrip("/")
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": base, "connect": base, "files": base, "meter_events": base},
            max_network_retries=RETRIES,
            http_client=self._http,
        )
        self._v1 = self._client.v1
        self._v2 = self._client.v2.core

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    # ---- payments

    async def create_intent(self, key: str, amount: int, currency: str, *, payment: str, note: str) -> Intent:
        """A PaymentIntent; see Processor."""
        return await _asked(
            self._v1.payment_intents.create_async(
                {
                    "amount": wire.out(amount, currency),
                    "currency": currency.lower(),
                    "automatic_payment_methods": {"enabled": True},
                    "description": note,
                    "metadata": {"payment": payment},
                    "transfer_group": payment,
                },
                {"idempotency_key": key},
            ),
            wire.intent,
        )

    async def intent(self, intent_id: str) -> Intent:
        """The PaymentIntent as it is now."""
        return await _asked(self._v1.payment_intents.retrieve_async(intent_id), wire.intent)

    async def cancel_intent(self, key: str, intent_id: str) -> Intent:
        """Nobody can pay it any more."""
        options: stripe.RequestOptions = {"idempotency_key": key}
        return await _asked(self._v1.payment_intents.cancel_async(intent_id, {}, options), wire.intent)

    async def create_refund(
        self, key: str, intent_id: str, amount: int, currency: str, *, refund: str
    ) -> Returned:
        """Give back so much of what was paid."""
        return await _asked(
            self._v1.refunds.create_async(
                {
                    "payment_intent": intent_id,
                    "amount": wire.out(amount, currency),
                    "metadata": {"refund": refund},
                },
                {"idempotency_key": key},
            ),
            wire.returned,
        )

    async def refunds(self, intent_id: str) -> list[Returned]:
        """Everything given back of a PaymentIntent."""
        return await _every(self._v1.refunds.list_async, {"payment_intent": intent_id}, wire.returned)

    # ---- subscriptions

    async def create_customer(self, key: str, *, user: str) -> str:
        """The id of a customer."""
        return await _asked(
            self._v1.customers.create_async({"metadata": {"user": user}}, {"idempotency_key": key}),
            wire.made,
        )

    async def create_price(self, key: str, amount: int, currency: str, interval: str, name: str) -> str:
        """The id of a recurring price."""
        params: Any = {
            "unit_amount": wire.out(amount, currency),
            "currency": currency.lower(),
            "recurring": {"interval": interval},
            "product_data": {"name": name},
        }
        return await _asked(self._v1.prices.create_async(params, {"idempotency_key": key}), wire.made)

    async def create_subscription(
        self, key: str, *, customer: str, price: str, subscription: str
    ) -> Recurring:
        """A subscription whose first invoice waits to be paid with the secret."""
        return await _asked(
            self._v1.subscriptions.create_async(
                {
                    "customer": customer,
                    "items": [{"price": price}],
                    "payment_behavior": "default_incomplete",
                    "payment_settings": {"save_default_payment_method": "on_subscription"},
                    "expand": ["latest_invoice.confirmation_secret"],
                    "metadata": {"subscription": subscription},
                },
                {"idempotency_key": key},
            ),
            wire.recurring,
        )

    async def subscription(self, subscription_id: str) -> Recurring:
        """The subscription as it is now, with its paid invoices."""
        found = await _asked(
            self._v1.subscriptions.retrieve_async(
                subscription_id, {"expand": ["latest_invoice.confirmation_secret"]}
            ),
            wire.recurring,
        )
        params = {"subscription": subscription_id, "status": "paid", "expand": ["data.payments"]}
        paid = await _every(self._v1.invoices.list_async, params, wire.invoice)
        return msgspec.structs.replace(found, paid=paid)

    async def end_subscription(self, key: str, subscription_id: str, *, ends: bool) -> Recurring:
        """Let it end with the period, or go on after all."""
        return await _asked(
            self._v1.subscriptions.update_async(
                subscription_id, {"cancel_at_period_end": ends}, {"idempotency_key": key}
            ),
            wire.recurring,
        )

    # ---- whom money goes to

    async def create_account(self, key: str, *, account: str, country: str, email: str) -> Connected:
        """An account that can receive transfers once its owner has told Stripe who they are."""
        params: Any = {
            "contact_email": email,
            "dashboard": "express",
            "identity": {"country": country.lower()},
            "configuration": {
                "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
            },
            "defaults": {
                "responsibilities": {"fees_collector": "application", "losses_collector": "application"}
            },
            "metadata": {"account": account},
            "include": ["configuration.recipient"],
        }
        return await _asked(self._v2.accounts.create_async(params, {"idempotency_key": key}), wire.connected)

    async def account(self, account_id: str) -> Connected:
        """The account as it is now."""
        return await _asked(
            self._v2.accounts.retrieve_async(account_id, {"include": ["configuration.recipient"]}),
            wire.connected,
        )

    async def onboarding(self, key: str, account_id: str, *, back: str, again: str) -> Link:
        """A link for its owner."""
        return await _asked(
            self._v2.account_links.create_async(
                {
                    "account": account_id,
                    "use_case": {
                        "type": "account_onboarding",
                        "account_onboarding": {"refresh_url": again, "return_url": back},
                    },
                },
                {"idempotency_key": key},
            ),
            wire.link,
        )

    async def transfer(self, key: str, account_id: str, amount: int, currency: str, *, payout: str) -> str:
        """Move so much of our balance to the account."""
        return await _asked(
            self._v1.transfers.create_async(
                {
                    "amount": wire.out(amount, currency),
                    "currency": currency.lower(),
                    "destination": account_id,
                    "transfer_group": payout,
                    "metadata": {"payout": payout},
                },
                {"idempotency_key": key},
            ),
            wire.made,
        )

    async def transfer_of(self, payout: str) -> str | None:
        """The id of the transfer that was made for a payout of ours."""
        found = await _every(self._v1.transfers.list_async, {"transfer_group": payout}, wire.made)
        return found[0] if found else None

    # ---- webhooks

    def hint(self, body: bytes, signature: str) -> Hint:
        """What a webhook tells; any of the secrets may have signed it, so that one can follow another."""
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_S)
            except (stripe.SignatureVerificationError, ValueError):
                continue
            return read(body)
        raise BadSignature()


async def _asked(question: Awaitable[Any], meaning: Callable[[Any], T]) -> T:
    """What the answer means. Raises StripeUnavailable or StripeRefused."""
    try:
        answer = await question
    except (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError) as error:
        # Two requests with one key at once: the later one only has to come back.
        if error.http_status == CONFLICT or error.code in ("lock_timeout", "idempotency_key_in_use"):
            raise StripeUnavailable() from error
        logger.warning("stripe_refused", code=error.code, request=error.request_id)
        said = error.user_message if isinstance(error, stripe.CardError) else None  # the rest is meant for us
        raise StripeRefused(said, code=error.code or "payment_refused") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        logger.error("stripe_unauthorized", request=error.request_id)
        raise StripeUnavailable() from error
    except stripe.StripeError as error:
        logger.warning("stripe_failed", kind=type(error).__name__, request=error.request_id)
        raise StripeUnavailable() from error
    try:
        return meaning(answer.to_dict())
    except msgspec.ValidationError as error:
        logger.error("stripe_misunderstood", reason=str(error))
        raise StripeUnavailable() from error


async def _every(
    ask: Callable[[Any], Awaitable[Any]], params: dict[str, Any], meaning: Callable[[Any], T]
) -> list[T]:
    """All objects of a list, page by page, the newest first."""
    found: list[T] = []
    after: str | None = None
    while True:
        page = {**params, "limit": MOST, **({"starting_after": after} if after else {})}
        objects, after = await _asked(ask(page), lambda raw: wire.page(raw, meaning))
        found += objects
        if after is None:
            return found
