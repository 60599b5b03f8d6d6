"""Questions to a provider over HTTP."""

import asyncio
import functools
from collections.abc import Mapping
from typing import TypeVar

import httpx
import msgspec

from majlis.kit import log
from majlis.settings import BadSettings
from majlis.vendors.oauth import TIMEOUT_S, ProviderUnavailable

T = TypeVar("T")
logger = log.get("majlis.oauth")
_certificates = functools.cache(httpx.create_ssl_context)  # reading them takes some hundredths of a second


class Wire:
    """A provider at an address. Its errors never hold what was sent: that is secret."""

    def __init__(self, name: str, url: str, agent: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.name = name
        self._timeout_s = timeout_s
        headers = {"User-Agent": agent, "Accept": "application/json"}
        try:
            self._client = httpx.AsyncClient(
                base_url=url, timeout=timeout_s, headers=headers, verify=_certificates()
            )
        except httpx.InvalidURL as error:
            raise BadSettings(f"the address of {name}: {error}") from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer, whatever its status below 500. Raises ProviderUnavailable."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.request(method, path, params=params, data=form)
        except (TimeoutError, httpx.HTTPError) as error:
            # Only its kind: the words may hold the address, and that a token.
            raise self.failed(type(error).__name__) from None
        if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise self.failed(f"HTTP {response.status_code}")
        return response

    def read(self, response: httpx.Response, kind: type[T]) -> T:
        """The body as this Struct. Raises ProviderUnavailable when it is another thing."""
        try:
            return msgspec.json.decode(response.content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self.failed(f"HTTP {response.status_code}, {type(error).__name__}") from None

    def failed(self, why: str) -> ProviderUnavailable:
        """What to raise, once the operator can read why."""
        logger.warning("provider_failed", provider=self.name, why=why)
        return ProviderUnavailable(f"{self.name} does not answer. Try again shortly.")
