"""Bank accounts through Plaid: what this server asks of it, and what Plaid tells by webhooks."""

from datetime import datetime
from typing import Literal, Protocol

import msgspec

from majlis.kit.errors import Malformed, Unauthenticated
from majlis.settings import BadSettings, Settings
from majlis.vendors.linking import NotConfigured, base_of

HOSTS = {"sandbox": "https://sandbox.plaid.com", "production": "https://production.plaid.com"}
WEBHOOK = "/sioree/api/webhooks/plaid"
Subtype = Literal["checking", "savings"]


class BadPublicToken(Malformed):
    """Plaid did not give this token, not to this server, or it is over."""

    code, detail = (
        "bad_public_token",
        "Plaid does not know this token, or it is over. Connect the bank again.",
    )


class BadWebhook(Unauthenticated):
    """A webhook that Plaid did not sign, or too long ago."""

    code, detail = "bank_webhook_signature", "The signature is not valid."


class BadWebhookBody(Malformed):
    """Signed by Plaid, and still nothing that this server understands."""

    code, detail = "bank_webhook_payload", "The body is no webhook of Plaid's."


class LinkToken(msgspec.Struct, frozen=True):
    """What the app opens Plaid's pages with."""

    token: str
    expiration: datetime


class Exchanged(msgspec.Struct, frozen=True):
    """What stands for a person's login at a bank, for as long as they allow it."""

    access_token: str
    item_id: str


class Account(msgspec.Struct, frozen=True):
    """A checking or savings account."""

    id: str
    subtype: Subtype
    mask: str  # the last digits of its number, at most four


class Found(msgspec.Struct, frozen=True):
    """What can be connected of a login: accounts that are neither checking nor savings are left out."""

    bank_name: str
    accounts: list[Account]


class Tell(msgspec.Struct, frozen=True):
    """What a webhook says of a login."""

    kind: Literal["login_required", "changed", "revoked", "other"]
    item_id: str


class Bank(Protocol):
    """Plaid. All raise NotConfigured and ProviderFailed; those with an access token GrantOver."""

    @property
    def enabled(self) -> bool:
        """Whether there are settings."""

    async def link_token(self, user: str, access_token: str | None) -> LinkToken:
        """For a new login, or for one that needs to be renewed at the bank."""

    async def exchange(self, public_token: str) -> Exchanged:
        """What the app got from Plaid's pages, for what lasts. Raises BadPublicToken."""

    async def accounts(self, access_token: str) -> Found:
        """What a login leads to."""

    async def needs_login(self, access_token: str) -> bool:
        """Whether the bank wants the person to log in again."""

    async def remove(self, access_token: str) -> None:
        """End it at Plaid; one that is over already is no error."""

    async def verified(self, body: bytes, signature: str) -> Tell:
        """What a webhook tells. Raises BadWebhook or BadWebhookBody."""

    async def aclose(self) -> None:
        """Close the connections."""


class Disabled:
    """Stands where settings are missing: refuses everything."""

    enabled = False

    def __getattr__(self, name: str) -> object:
        raise NotConfigured("Bank accounts are not set up on this server.")

    async def aclose(self) -> None:
        """Nothing is open."""


def from_settings(settings: Settings) -> Bank:
    """Plaid as the settings name it. BadSettings when some are missing or cannot be used."""
    if bool(settings.plaid_client_id) != bool(settings.plaid_secret):
        raise BadSettings("MAJLIS_PLAID_CLIENT_ID and MAJLIS_PLAID_SECRET belong together")
    base = base_of("plaid_url", settings.plaid_url, HOSTS[settings.plaid_env])
    if not settings.plaid_client_id:
        return Disabled()  # type: ignore[return-value]  # answers every question with a refusal
    from majlis.vendors.plaid_api import Plaid  # an HTTP client, for servers with banks only

    return Plaid(
        base,
        settings.plaid_client_id,
        settings.plaid_secret,
        client_name=settings.plaid_client_name,
        webhook=settings.plaid_webhook_url or settings.base_url() + WEBHOOK,
        agent=f"majlis ({settings.base_url()})",
    )
