"""Plaid over HTTP: https://plaid.com/docs/api, version 2020-09-14."""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, TypeVar

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from jwt.algorithms import ECAlgorithm

from majlis.kit import clock
from majlis.vendors.linking import GrantOver, ProviderFailed, Wire
from majlis.vendors.plaid import (
    Account,
    BadPublicToken,
    BadWebhook,
    BadWebhookBody,
    Exchanged,
    Found,
    LinkToken,
    Tell,
)

VERSION = "2020-09-14"
PRODUCTS = ["auth", "transactions"]
ALGORITHM = "ES256"  # the only one, whatever a signature says of itself
AGE = timedelta(minutes=5)
SKEW = timedelta(seconds=60)  # how far Plaid's clock may be ahead of ours
LONGEST = 4096  # characters of a signature
KEPT = timedelta(hours=24)
# Anybody may name keys that do not exist, and each name is a question to Plaid.
QUESTIONS, QUESTIONS_IN = 30, timedelta(minutes=1)
LOGIN = "ITEM_LOGIN_REQUIRED"
# The login is over for good: only a new one helps.
GONE = frozenset({"ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN", "USER_PERMISSION_REVOKED", "ACCESS_NOT_GRANTED"})
BAD_TOKEN = frozenset({"INVALID_PUBLIC_TOKEN", "INVALID_INPUT", "UNAUTHORIZED_PUBLIC_TOKEN"})

T = TypeVar("T")


class _Error(msgspec.Struct):
    error_code: str = ""


class _Link(msgspec.Struct):
    link_token: str
    expiration: datetime


class _Exchange(msgspec.Struct):
    access_token: str
    item_id: str


class _Account(msgspec.Struct):
    account_id: str
    subtype: str | None = None
    mask: str | None = None


class _Item(msgspec.Struct):
    institution_id: str | None = None
    institution_name: str | None = None
    error: _Error | None = None


class _Accounts(msgspec.Struct):
    accounts: list[_Account]
    item: _Item


class _OneItem(msgspec.Struct):
    item: _Item


class _Institution(msgspec.Struct):
    name: str


class _OneInstitution(msgspec.Struct):
    institution: _Institution


class _Key(msgspec.Struct):
    alg: str
    crv: str
    kty: str
    x: str
    y: str
    kid: str
    expired_at: int | None = None


class _OneKey(msgspec.Struct):
    key: _Key


class _Told(msgspec.Struct):
    webhook_type: str
    webhook_code: str
    item_id: str = ""
    error: _Error | None = None


class _Refused(Exception):
    """Plaid says no; `code` is its word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Plaid:
    """Plaid at an address."""

    enabled = True

    def __init__(
        self, base: str, client_id: str, secret: str, *, client_name: str, webhook: str, agent: str
    ) -> None:
        self._base = base
        self._wire = Wire("Plaid", agent)
        self._headers = {"PLAID-CLIENT-ID": client_id, "PLAID-SECRET": secret, "Plaid-Version": VERSION}
        self._client_name = client_name
        self._webhook = webhook
        self._keys: dict[str, tuple[EllipticCurvePublicKey, datetime]] = {}
        self._asked: list[datetime] = []

    async def link_token(self, user: str, access_token: str | None) -> LinkToken:
        """For a new login, or for one that needs to be renewed at the bank."""
        mode: dict[str, Any] = {"access_token": access_token} if access_token else {"products": PRODUCTS}
        body = {
            "client_name": self._client_name,
            "language": "en",
            "country_codes": ["US"],
            "user": {"client_user_id": user},
            "webhook": self._webhook,
            **mode,
        }
        made = await self._ask("/link/token/create", body, _Link)
        return LinkToken(made.link_token, made.expiration)

    async def exchange(self, public_token: str) -> Exchanged:
        """What the app got from Plaid's pages, for what lasts. Raises BadPublicToken."""
        try:
            found = await self._post("/item/public_token/exchange", {"public_token": public_token}, _Exchange)
        except _Refused as refused:
            if refused.code in BAD_TOKEN:
                raise BadPublicToken() from refused
            raise self._wire.failed(refused.code) from refused
        return Exchanged(found.access_token, found.item_id)

    async def accounts(self, access_token: str) -> Found:
        """What a login leads to."""
        found = await self._ask("/accounts/get", {"access_token": access_token}, _Accounts)
        kept = [_account(one) for one in found.accounts if one.subtype in ("checking", "savings")]
        return Found(await self._bank_name(found.item) if kept else "", kept)

    async def _bank_name(self, item: _Item) -> str:
        if item.institution_name:
            return item.institution_name[:255]
        if item.institution_id is None:
            return "Bank"
        body = {"institution_id": item.institution_id, "country_codes": ["US"]}
        found = await self._ask("/institutions/get_by_id", body, _OneInstitution)
        return found.institution.name[:255]

    async def needs_login(self, access_token: str) -> bool:
        """Whether the bank wants the person to log in again."""
        found = await self._ask("/item/get", {"access_token": access_token}, _OneItem)
        return found.item.error is not None and found.item.error.error_code == LOGIN

    async def remove(self, access_token: str) -> None:
        """End it at Plaid; one that is over already is no error."""
        try:
            await self._ask("/item/remove", {"access_token": access_token}, dict[str, Any])
        except GrantOver:
            return

    async def verified(self, body: bytes, signature: str) -> Tell:
        """What a webhook tells. Raises BadWebhook or BadWebhookBody."""
        claims = await self._signed(signature)
        issued, hashed = claims.get("iat"), claims.get("request_body_sha256")
        now = clock.now().timestamp()
        if not isinstance(issued, int | float) or not isinstance(hashed, str):
            raise BadWebhook()
        if not now - AGE.total_seconds() < issued <= now + SKEW.total_seconds():
            raise BadWebhook("The signature is too old.")
        if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), hashed.encode()):
            raise BadWebhook()
        try:
            return _tell(msgspec.json.decode(body, type=_Told))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadWebhookBody() from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    async def _signed(self, signature: str) -> dict[str, Any]:
        if not signature or len(signature) > LONGEST:
            raise BadWebhook()
        try:
            header = jwt.get_unverified_header(signature)
            kid = header.get("kid")
            if header.get("alg") != ALGORITHM or not isinstance(kid, str):
                raise BadWebhook()
            key = await self._key(kid)
            off: Any = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
            found: dict[str, Any] = jwt.decode(signature, key, [ALGORITHM], options=off)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise BadWebhook() from error
        return found

    async def _key(self, kid: str) -> EllipticCurvePublicKey:
        """The public key of this id, asked for once a day. Raises BadWebhook for one that Plaid does not sign with."""
        now = clock.now()
        known = self._keys.get(kid)
        if known is not None and known[1] > now:
            return known[0]
        self._asked = [at for at in self._asked if at > now - QUESTIONS_IN]
        if len(kid) > 100 or len(self._asked) >= QUESTIONS:
            raise BadWebhook()
        self._asked.append(now)
        try:
            found = (await self._post("/webhook_verification_key/get", {"key_id": kid}, _OneKey)).key
        except _Refused as refused:
            raise BadWebhook() from refused
        if (found.alg, found.crv, found.kid) != (ALGORITHM, "P-256", kid) or found.expired_at is not None:
            self._keys.pop(kid, None)
            raise BadWebhook()
        made = ECAlgorithm.from_jwk(msgspec.structs.asdict(found))
        if not isinstance(made, EllipticCurvePublicKey):
            raise BadWebhook()
        self._keys[kid] = (made, now + KEPT)
        return made

    async def _ask(self, path: str, body: dict[str, Any], kind: type[T]) -> T:
        """An answer. Raises GrantOver where the login is over, ProviderFailed for every other refusal."""
        try:
            return await self._post(path, body, kind)
        except _Refused as refused:
            failed: ProviderFailed = self._wire.failed(refused.code)
            raise (GrantOver() if refused.code in GONE else failed) from refused

    async def _post(self, path: str, body: dict[str, Any], kind: type[T]) -> T:
        response = await self._wire.ask("POST", self._base + path, body=body, headers=self._headers)
        if response.status_code != 200:
            raise _Refused(self._wire.read(response, _Error).error_code[:100])
        return self._wire.read(response, kind)


def _account(one: _Account) -> Account:
    mask = "".join(letter for letter in one.mask or "" if letter.isalnum())[-4:]
    return Account(one.account_id, "checking" if one.subtype == "checking" else "savings", mask)


def _tell(told: _Told) -> Tell:
    """Plaid's many codes as what they mean here."""
    if told.webhook_type != "ITEM" or not told.item_id:
        return Tell("other", told.item_id)
    if told.webhook_code == "ERROR":
        login = told.error is not None and told.error.error_code == LOGIN
        return Tell("login_required" if login else "changed", told.item_id)
    if told.webhook_code in ("USER_PERMISSION_REVOKED", "USER_ACCOUNT_REVOKED"):
        # Of one account of several that was taken back, the item itself tells.
        return Tell("revoked" if told.webhook_code == "USER_PERMISSION_REVOKED" else "changed", told.item_id)
    if told.webhook_code in (
        "LOGIN_REPAIRED",
        "PENDING_EXPIRATION",
        "PENDING_DISCONNECT",
        "NEW_ACCOUNTS_AVAILABLE",
    ):
        return Tell("changed", told.item_id)
    return Tell("other", told.item_id)
