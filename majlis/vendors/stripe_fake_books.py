"""What the stand-in for Stripe keeps: objects as Stripe documents them, and the events of what happens to them."""

import copy
import itertools
import secrets
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
VERSION = "2026-10-28.endive"
FILTERS = ("payment_intent", "subscription", "status", "transfer_group")
MONTH_S = 30 * 24 * 3600
# The parameters that are known, of those that exist.
TAKEN: dict[str, frozenset[str]] = {
    "POST payment_intents": frozenset(
        {"amount", "currency", "automatic_payment_methods", "description", "metadata", "transfer_group"}
    ),
    "POST refunds": frozenset({"payment_intent", "amount", "metadata", "reason"}),
    "POST customers": frozenset({"metadata"}),
    "POST prices": frozenset({"unit_amount", "currency", "recurring", "product_data"}),
    "POST subscriptions": frozenset(
        {"customer", "items", "payment_behavior", "payment_settings", "expand", "metadata"}
    ),
    "POST transfers": frozenset({"amount", "currency", "destination", "metadata", "transfer_group"}),
}


class Failed(Exception):
    """A request that is refused; `answer` is (status, body)."""

    def __init__(self, answer: tuple[int, Json]) -> None:
        self.answer = answer
        super().__init__(answer[1])


def refusal(status: int, kind: str, message: str, code: str | None = None) -> tuple[int, Json]:
    """(status, body) of an error."""
    error = {"type": kind, "message": message, "request_log_url": "https://dashboard.stripe.com/test/logs"}
    return status, {"error": {**error, **({"code": code} if code else {})}}


def wrong(message: str, code: str | None = None, status: int = 400) -> Failed:
    """What is raised for a bad request."""
    return Failed(refusal(status, "invalid_request_error", message, code))


def listed(objects: list[Json]) -> Json:
    """A list as it is answered, the newest first."""
    return {"object": "list", "data": objects[::-1], "has_more": False, "url": "/v1/list"}


class Books:
    """Objects by their ids, events in the order in which they happened, and the platform's balance."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.events: list[Json] = []
        self.balance: Counter[str] = Counter()  # by currency as Stripe writes it, in minor units
        self.slow_refunds = False
        self._numbers = itertools.count(1)

    # ---- requests

    def answer(self, method: str, path: list[str], given: Json) -> Json:
        """The object that a request makes, changes or asks for. Raises Failed."""
        version, kind, *rest = path if path[0] == "v1" else (path[0], "/".join(path[1:3]), *path[3:])
        unknown = set(given) - TAKEN.get(f"{method} {kind}", frozenset(given)) if not rest else set()
        if unknown:
            raise wrong(f"Received unknown parameter: {min(unknown)}", "parameter_unknown")
        if method == "GET" and not rest:
            return self._list(kind, given)
        if method == "GET":
            return copy.deepcopy(self.get(rest[0]))
        names = {"core/accounts": "account", "core/account_links": "account_link"}
        verb = names.get(kind, kind.removesuffix("s"))
        work = getattr(self, f"_{'change_' if rest else ''}{'_'.join([verb, *rest[1:]])}", None)
        if work is None or method != "POST" or version not in ("v1", "v2"):
            raise wrong(f"Unrecognized request URL ({method}: /{'/'.join(path)}).", status=404)
        found: Json = work(self.get(rest[0]), given) if rest else work(given)
        return copy.deepcopy(found)

    def get(self, object_id: str) -> Json:
        """An object. Raises Failed."""
        if object_id not in self.objects:
            raise wrong(f"No such object: '{object_id}'", "resource_missing", 404)
        return self.objects[object_id]

    def of(self, kind: str) -> list[Json]:
        """All objects of a kind, the oldest first."""
        return [one for one in self.objects.values() if one["object"] == kind]

    def _list(self, kind: str, given: Json) -> Json:
        wanted = {name: given[name] for name in FILTERS if name in given}
        found = [
            one
            for one in self.of(kind.removesuffix("s"))
            if all(one.get(f"_{name}", one.get(name)) == value for name, value in wanted.items())
        ]
        return copy.deepcopy(listed(found))

    def _make(self, prefix: str, kind: str, **fields: Any) -> Json:
        made = {"id": f"{prefix}_{next(self._numbers):06}{secrets.token_hex(6)}", "object": kind, **fields}
        made |= {"created": int(time.time()), "livemode": False}
        self.objects[made["id"]] = made
        return made

    def _tell(self, kind: str, changed: Json) -> None:
        self.events.append(
            {
                "id": f"evt_{next(self._numbers):06}{secrets.token_hex(6)}",
                "object": "event",
                "api_version": VERSION,
                "created": int(time.time()),
                "livemode": False,
                "type": kind,
                "data": {"object": copy.deepcopy(changed)},
            }
        )

    # ---- payments

    def _payment_intent(self, given: Json) -> Json:
        amount = self._amount(given)
        made = self._make("pi", "payment_intent", amount=amount, currency=given["currency"])
        made |= {
            "status": "requires_payment_method",
            "client_secret": f"{made['id']}_secret_{secrets.token_hex(12)}",
            "metadata": given.get("metadata") or {},
            "description": given.get("description"),
            "amount_received": 0,
            "last_payment_error": None,
            "cancellation_reason": None,
            "latest_charge": None,
        }
        self._tell("payment_intent.created", made)
        return made

    def _amount(self, given: Json) -> int:
        text, currency = str(given.get("amount", "")), given.get("currency", "")
        if not text.isdigit() or int(text) < 1:
            raise wrong("This value must be greater than or equal to 1.", "parameter_invalid_integer")
        if len(currency) != 3 or currency != currency.lower():
            raise wrong(f"Invalid currency: {currency}.", "parameter_invalid")
        return int(text)

    def _change_payment_intent_cancel(self, intent: Json, given: Json) -> Json:
        if intent["status"] in ("succeeded", "canceled"):
            raise wrong(
                f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
                "payment_intent_unexpected_state",
            )
        intent |= {"status": "canceled", "cancellation_reason": "requested_by_customer"}
        self._tell("payment_intent.canceled", intent)
        return intent

    def pay(self, intent_id: str) -> Json:
        """The payer pays."""
        intent = self.get(intent_id)
        if intent["status"] in ("succeeded", "canceled"):
            raise wrong("This PaymentIntent is over.", "payment_intent_unexpected_state")
        charge = self._make(
            "ch", "charge", amount=intent["amount"], currency=intent["currency"], payment_intent=intent_id,
            amount_refunded=0, refunded=False,
        )  # fmt: skip
        intent |= {
            "status": "succeeded",
            "amount_received": intent["amount"],
            "latest_charge": charge["id"],
            "last_payment_error": None,
        }
        self.balance[intent["currency"]] += intent["amount"]
        self._tell("charge.succeeded", charge)
        self._tell("payment_intent.succeeded", intent)
        if "_invoice" in intent:
            self._paid(self.get(intent["_invoice"]))
        return intent

    def decline(self, intent_id: str) -> Json:
        """The payer's bank refuses."""
        intent = self.get(intent_id)
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = {
            "type": "card_error",
            "code": "card_declined",
            "decline_code": "insufficient_funds",
            "message": "Your card has insufficient funds.",
        }
        self._tell("payment_intent.payment_failed", intent)
        return intent

    def process(self, intent_id: str) -> Json:
        """The payer's bank needs days."""
        intent = self.get(intent_id)
        intent["status"] = "processing"
        self._tell("payment_intent.processing", intent)
        return intent

    # ---- refunds

    def _refund(self, given: Json) -> Json:
        intent = self.get(given["payment_intent"])
        if intent["latest_charge"] is None:
            raise wrong("This PaymentIntent does not have a successful charge to refund.")
        charge, amount = self.get(intent["latest_charge"]), int(given["amount"])
        left = charge["amount"] - charge["amount_refunded"]
        if left == 0:
            raise wrong(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
        if amount > left:
            raise wrong(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
        made = self._make(
            "re", "refund", amount=amount, currency=charge["currency"], charge=charge["id"],
            payment_intent=intent["id"], status="pending" if self.slow_refunds else "succeeded",
            metadata=given.get("metadata") or {}, reason=None,
        )  # fmt: skip
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.balance[charge["currency"]] -= amount
        self._tell("refund.created", made)
        self._tell("charge.refunded", charge)
        return made

    def give_back(self, intent_id: str, amount: int) -> Json:
        """The operator refunds on Stripe's pages."""
        return self._refund({"payment_intent": intent_id, "amount": amount})

    def settle(self, refund_id: str) -> Json:
        """A refund that was pending has arrived."""
        refund = self.get(refund_id)
        refund["status"] = "succeeded"
        self._tell("refund.updated", refund)
        return refund

    def bounce(self, refund_id: str) -> Json:
        """A refund comes back."""
        refund = self.get(refund_id)
        refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
        charge = self.get(refund["charge"])
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        self.balance[refund["currency"]] += refund["amount"]
        self._tell("refund.failed", refund)
        return refund

    # ---- subscriptions

    def _customer(self, given: Json) -> Json:
        return self._make("cus", "customer", metadata=given.get("metadata") or {})

    def _price(self, given: Json) -> Json:
        amount = self._amount({"amount": given.get("unit_amount", ""), "currency": given.get("currency", "")})
        product = self._make("prod", "product", name=given["product_data"]["name"])
        return self._make(
            "price", "price", unit_amount=amount, currency=given["currency"], product=product["id"],
            recurring=given["recurring"], type="recurring", active=True,
        )  # fmt: skip

    def _subscription(self, given: Json) -> Json:
        customer, price = self.get(given["customer"]), self.get(given["items"]["0"]["price"])
        made = self._make("sub", "subscription", customer=customer["id"], status="incomplete")
        item = {"id": f"si_{made['id']}", "object": "subscription_item", "price": price}
        made |= {
            "metadata": given.get("metadata") or {},
            "cancel_at_period_end": False,
            "cancel_at": None,
            "items": listed([{**item, "current_period_end": int(time.time()) + MONTH_S}]),
        }
        self._invoice(made)
        self._tell("customer.subscription.created", made)
        return made

    def _invoice(self, subscription: Json) -> Json:
        price = subscription["items"]["data"][0]["price"]
        intent = self._payment_intent({"amount": price["unit_amount"], "currency": price["currency"]})
        details = {"subscription": subscription["id"], "metadata": subscription["metadata"]}
        invoice = self._make(
            "in", "invoice", status="open", currency=price["currency"], amount_due=price["unit_amount"],
            amount_paid=0, _subscription=subscription["id"],
            parent={"type": "subscription_details", "subscription_details": details},
            confirmation_secret={"client_secret": intent["client_secret"], "type": "payment_intent"},
        )  # fmt: skip
        payment = {"type": "payment_intent", "payment_intent": intent["id"]}
        paying = {
            "id": f"inpay_{invoice['id']}",
            "object": "invoice_payment",
            "status": "open",
            "payment": payment,
        }
        invoice["payments"] = listed([paying])
        intent["_invoice"] = invoice["id"]
        subscription["latest_invoice"] = invoice
        return invoice

    def _paid(self, invoice: Json) -> None:
        invoice |= {"status": "paid", "amount_paid": invoice["amount_due"]}
        invoice["payments"]["data"][0]["status"] = "paid"
        subscription = self.get(invoice["_subscription"])
        subscription["status"] = "active"
        self._tell("invoice.paid", invoice)
        self._tell("customer.subscription.updated", subscription)

    def _change_subscription(self, subscription: Json, given: Json) -> Json:
        subscription["cancel_at_period_end"] = str(given["cancel_at_period_end"]).lower() == "true"
        self._tell("customer.subscription.updated", subscription)
        return subscription

    def renew(self, subscription_id: str) -> Json:
        """A month is over, and the next one paid."""
        subscription = self.get(subscription_id)
        subscription["items"]["data"][0]["current_period_end"] += MONTH_S
        invoice = self._invoice(subscription)
        self.pay(invoice["payments"]["data"][0]["payment"]["payment_intent"])
        return subscription

    def lapse(self, subscription_id: str) -> Json:
        """A month is over, and the card does not pay for the next one."""
        subscription = self.get(subscription_id)
        invoice = self._invoice(subscription)
        self.decline(invoice["payments"]["data"][0]["payment"]["payment_intent"])
        subscription["status"] = "past_due"
        self._tell("invoice.payment_failed", invoice)
        self._tell("customer.subscription.updated", subscription)
        return subscription

    def end(self, subscription_id: str) -> Json:
        """It is over."""
        subscription = self.get(subscription_id)
        subscription["status"] = "canceled"
        self._tell("customer.subscription.deleted", subscription)
        return subscription

    # ---- accounts and transfers

    def _account(self, given: Json) -> Json:
        made = self._make("acct", "v2.core.account", metadata=given.get("metadata") or {})
        made |= {name: given[name] for name in ("identity", "dashboard", "contact_email", "defaults")}
        transfers = {"status": "restricted", "status_details": [], "requested": True}
        capabilities = {"stripe_balance": {"stripe_transfers": transfers}}
        made["configuration"] = {"recipient": {"applied": True, "capabilities": capabilities}}
        return made

    def _account_link(self, given: Json) -> Json:
        account = self.get(given["account"])
        until = datetime.now(UTC) + timedelta(minutes=10)
        return {
            "object": "v2.core.account_link",
            "account": account["id"],
            "url": f"https://connect.stripe.example/setup/{account['id']}/{secrets.token_hex(8)}",
            "created": datetime.now(UTC).isoformat(),
            "expires_at": until.isoformat().replace("+00:00", "Z"),
            "livemode": False,
            "use_case": given["use_case"],
        }

    def onboard(self, account_id: str, status: str = "active") -> Json:
        """The owner has told Stripe who they are."""
        account = self.get(account_id)
        account["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"][
            "status"
        ] = status
        related = {"id": account_id, "type": "v2.core.account", "url": f"/v2/core/accounts/{account_id}"}
        self.events.append(
            {
                "id": f"evt_{next(self._numbers):06}{secrets.token_hex(6)}",
                "object": "v2.core.event",
                "type": "v2.core.account[configuration.recipient].capability_status_updated",
                "created": datetime.now(UTC).isoformat(),
                "livemode": False,
                "related_object": related,
            }
        )
        return account

    def restrict(self, account_id: str) -> Json:
        """Stripe wants to know more of the owner."""
        return self.onboard(account_id, "restricted")

    def _transfer(self, given: Json) -> Json:
        amount, account = self._amount(given), self.get(given["destination"])
        stripe_balance = account["configuration"]["recipient"]["capabilities"]["stripe_balance"]
        if stripe_balance["stripe_transfers"]["status"] != "active":
            raise wrong(
                "Your destination account needs to have the transfers capability enabled.",
                "insufficient_capabilities_for_transfer",
            )
        if self.balance[given["currency"]] < amount:
            raise wrong(
                "You have insufficient available funds in your Stripe account.", "balance_insufficient"
            )
        self.balance[given["currency"]] -= amount
        made = self._make(
            "tr", "transfer", amount=amount, currency=given["currency"], destination=account["id"],
            metadata=given.get("metadata") or {}, transfer_group=given.get("transfer_group"), reversed=False,
        )  # fmt: skip
        self._tell("transfer.created", made)
        return made
