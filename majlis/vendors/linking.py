"""What banks and social networks that people connect have in common: how they are asked, and how they fail."""

import asyncio
import functools
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from majlis.kit import log
from majlis.kit.errors import Unavailable
from majlis.settings import BadSettings

TIMEOUT_S = 6.0  # for each question: somebody waits for it
LARGEST = 1024 * 1024  # bytes of an answer that are looked at

T = TypeVar("T")
logger = log.get("majlis.linking")
certificates = functools.cache(httpx.create_ssl_context)  # reading them takes some hundredths of a second


class NotConfigured(Unavailable):
    """This server has no settings for the company."""

    code, detail = "provider_not_configured", "This is not set up on this server."


class ProviderFailed(Unavailable):
    """The company does not answer, not as documented, or says no to what somebody brought from there."""

    code, status, detail = "provider_error", 502, "The other company does not answer. Try again shortly."


class GrantOver(ProviderFailed):
    """The company says that what a person allowed is over: they have to connect the account again."""

    detail = "The other company says that the connection is over. Connect the account again."


class Wire:
    """A company that is asked over HTTP. Its errors never hold what was sent: that is secret."""

    def __init__(self, name: str, agent: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.name = name
        self._timeout_s = timeout_s
        headers = {"User-Agent": agent, "Accept": "application/json"}
        self._client = httpx.AsyncClient(timeout=timeout_s, headers=headers, verify=certificates())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer, whatever its status below 500. Raises ProviderFailed."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.request(
                    method, url, params=params, data=form, json=body, headers=headers
                )
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            # Only its kind: the words may hold the address, and that a token.
            raise self.failed(type(error).__name__) from None
        status = response.status_code
        if status >= 500 or 300 <= status < 400 or status == httpx.codes.TOO_MANY_REQUESTS:
            raise self.failed(f"HTTP {status}")
        return response

    def read(self, response: httpx.Response, kind: type[T]) -> T:
        """The body as this type. Raises ProviderFailed when it is another thing."""
        try:
            return msgspec.json.decode(response.content[:LARGEST], type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.failed(f"HTTP {response.status_code}, {type(error).__name__}") from None

    def failed(self, why: str) -> ProviderFailed:
        """What to raise, once the operator can read why."""
        logger.warning("provider_failed", provider=self.name, why=why)
        return ProviderFailed(f"{self.name} does not answer. Try again shortly.")


def base_of(setting: str, value: str, default: str) -> str:
    """The address of a company, without a slash at the end. Raises BadSettings."""
    url = value or default
    if not url.startswith(("http://", "https://")):
        raise BadSettings(f"MAJLIS_{setting.upper()} must begin with https:// or http://")
    return url.rstrip("/")
