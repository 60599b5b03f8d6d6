"""One base for all networks with sign-in pages."""

import base64
import hashlib
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec

from majlis.kit import clock
from majlis.vendors.connections import Profile, Tokens
from majlis.vendors.connections.notices import BadNotice, Notice
from majlis.vendors.connections.table import Network
from majlis.vendors.linking import GrantOver, ProviderFailed, Wire

LONGEST = 4096  # characters of a token
# What token endpoints call a code or refresh token that is nothing any more.
OVER = frozenset({"invalid_grant", "OAuthException", "access_token_invalid", "invalid_token"})
TOKEN_DEAD = 190  # the same in the words of Meta's Graph API


class _Given(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    expires_in: float | None = None


class OAuth2:
    """A network."""

    def __init__(
        self, network: Network, client: str, secret: str, callback: str, agent: str, elsewhere: str = ""
    ) -> None:
        """`elsewhere` is the address that stands for all hosts of all networks, each below its name."""
        self._network = network
        self._client = client
        self._secret = secret
        self._callback = callback
        self._wire = Wire(network.label, agent)
        self._elsewhere = f"{elsewhere.rstrip('/')}/{network.name}" if elsewhere else ""

    @property
    def pkce(self) -> bool:
        """Whether an attempt needs a verifier."""
        return self._network.pkce

    @property
    def renews(self) -> bool:
        """Whether an access token can be renewed where there is no refresh token."""
        return bool(self._network.renew)

    def authorize_url(self, state: str, verifier: str | None) -> str:
        """Where a person allows it."""
        network = self._network
        asked = {
            network.client: self._client,
            "response_type": "code",
            "redirect_uri": self._callback,
            "scope": network.scopes,
            "state": state,
            **network.more,
        }
        if verifier is not None:
            digest = hashlib.sha256(verifier.encode()).digest()
            asked["code_challenge"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            asked["code_challenge_method"] = "S256"
        asked = {name: value for name, value in asked.items() if value}
        return f"{self._at(network.authorize)}?{urlencode(asked, quote_via=quote)}"

    async def exchange(self, code: str, verifier: str | None) -> Tokens:
        """What the person's code is worth; it counts once."""
        form = {
            "grant_type": "authorization_code",
            "code": code.removesuffix("#_"),  # which Instagram puts behind it
            "redirect_uri": self._callback,
            **({"code_verifier": verifier} if verifier else {}),
        }
        tokens = await self._token(form)
        if not self._network.longer:
            return tokens
        query = {"grant_type": "ig_exchange_token", "client_secret": self._secret}
        return await self._renewed(self._network.longer, query, tokens)

    async def refresh(self, tokens: Tokens) -> Tokens:
        """Newer tokens; the older ones may be over at once."""
        if tokens.refresh_token is not None:
            made = await self._token({"grant_type": "refresh_token", "refresh_token": tokens.refresh_token})
            # Who gives no other one means that the old one goes on.
            return msgspec.structs.replace(made, refresh_token=made.refresh_token or tokens.refresh_token)
        if not self._network.renew:
            raise GrantOver()
        return await self._renewed(self._network.renew, {"grant_type": "ig_refresh_token"}, tokens)

    async def profile(self, tokens: Tokens) -> Profile:
        """Who the tokens stand for."""
        network = self._network
        query = dict(network.profile_query)
        headers = {"Authorization": f"{network.scheme} {tokens.access_token}"}
        response = await self._wire.ask("GET", self._at(network.profile), params=query, headers=headers)
        found = self._fine(response)
        try:
            return network.read(found)
        except (LookupError, TypeError, AttributeError) as error:
            raise self._wire.failed(f"no profile: {type(error).__name__}") from None

    async def revoke(self, token: str) -> None:
        """Take back what was allowed, where the network lets one. One that is over already is no error."""
        if not self._network.revoke:
            return
        form, headers = self._proved({"token": token})
        if self._network.name == "soundcloud":  # signs out by its own words
            response = await self._wire.ask(
                "POST", self._at(self._network.revoke), body={"access_token": token}
            )
        else:
            response = await self._wire.ask(
                "POST", self._at(self._network.revoke), form=form, headers=headers
            )
        if response.status_code >= 400 and not self._over(response):
            raise self._wire.failed(f"HTTP {response.status_code}")

    def notice(self, body: bytes, signature: str) -> Notice | None:
        """What the network tells by itself; None where it is nothing to us. Raises BadNotice."""
        if self._network.notice is None:
            raise BadNotice()
        return self._network.notice(body, signature, self._client, self._secret)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    def _at(self, url: str) -> str:
        return self._elsewhere + urlsplit(url).path if self._elsewhere else url

    def _proved(self, form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """(form, headers) with our id and secret where the network wants them."""
        if self._network.basic:
            pair = f"{quote(self._client, safe='')}:{quote(self._secret, safe='')}"
            return form, {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        return {**form, self._network.client: self._client, "client_secret": self._secret}, {}

    async def _token(self, form: dict[str, str]) -> Tokens:
        sent, headers = self._proved(form)
        response = await self._wire.ask("POST", self._at(self._network.exchange), form=sent, headers=headers)
        found = self._fine(response)
        if isinstance(found.get("data"), list) and found["data"]:  # as Instagram's documents show it
            found = found["data"][0]
        return self._given(found)

    async def _renewed(self, url: str, query: dict[str, str], tokens: Tokens) -> Tokens:
        """A longer life for an access token; this kind of address takes it, and our secret, in its query only."""
        asked = {**query, "access_token": tokens.access_token}
        return self._given(self._fine(await self._wire.ask("GET", self._at(url), params=asked)))

    def _given(self, found: Any) -> Tokens:
        try:
            given = msgspec.convert(found, _Given)
        except msgspec.ValidationError:
            raise self._wire.failed("no token in the answer") from None
        both = given.access_token + (given.refresh_token or "")
        if not given.access_token or len(both) > 2 * LONGEST or not (both.isascii() and both.isprintable()):
            raise self._wire.failed("no usable token in the answer")
        return Tokens(
            access_token=given.access_token,
            refresh_token=given.refresh_token or None,
            expires_at=_end(given.expires_in),
        )

    def _fine(self, response: httpx.Response) -> dict[str, Any]:
        """The body of an answer that is no refusal. Raises GrantOver or ProviderFailed."""
        if response.status_code >= 400:
            if self._over(response):
                raise GrantOver()
            raise self._refused(response)
        found: dict[str, Any] = self._wire.read(response, dict[str, Any])
        error = found.get("error")
        # TikTok says `ok` in the place where it says what is wrong.
        word = error.get("code") if isinstance(error, dict) else error
        if word and word != "ok":
            raise (GrantOver() if word in OVER else self._wire.failed(f"error {_short(word)}"))
        return found

    def _refused(self, response: httpx.Response) -> ProviderFailed:
        return self._wire.failed(f"HTTP {response.status_code} {_short(_word(response))}")

    def _over(self, response: httpx.Response) -> bool:
        """Whether a refusal is about the person's token or code, and for good."""
        word = _word(response)
        on_profile = response.request.method == "GET" and response.status_code == httpx.codes.UNAUTHORIZED
        return word in OVER or word == str(TOKEN_DEAD) or on_profile


def _end(seconds: float | None) -> datetime | None:
    if seconds is None or not 0 <= seconds < 10 * 365 * 86400:
        return None
    return clock.now() + timedelta(seconds=seconds)


def _word(response: httpx.Response) -> str:
    """What a refusal calls itself, in the networks' many shapes; empty for another thing."""
    try:
        found = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    error = found.get("error", found.get("error_type"))
    if isinstance(error, dict):  # Meta's Graph API, YouTube, Spotify, TikTok's own
        error = error.get("code", error.get("status"))
    return str(error or found.get("title") or "")


def _short(word: Any) -> str:
    """A word of somebody else's that may stand in a log."""
    return "".join(letter for letter in str(word) if letter.isalnum() or letter in " _-")[:60]
