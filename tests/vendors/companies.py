"""Using the stand-in for Google, Apple and Facebook."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from majlis.settings import Settings
from majlis.vendors import oauth
from majlis.vendors.oauth import BadProviderToken, Person, Proof, Providers
from majlis.vendors.oauth.fake import Fake

NONCE = "a-nonce-that-the-app-made"


def using(settings: dict[str, str], work: Callable[[Providers], Awaitable[Any]]) -> Any:
    """What the work returns; the providers live only as long."""

    async def run() -> Any:
        opened = oauth.from_settings(Settings(**settings))  # type: ignore[arg-type]
        try:
            return await work(opened)
        finally:
            await opened.aclose()

    return asyncio.run(run())


def person(companies: Fake, provider: str, token: str, **proof: Any) -> Person:
    found: Person = using(
        companies.settings(), lambda it: it.get(provider).person(Proof(token=token, **proof))
    )
    return found


def why(companies: Fake, provider: str, token: str, **proof: Any) -> str:
    """The words with which a token is refused."""
    with pytest.raises(BadProviderToken) as refused:
        person(companies, provider, token, **proof)
    return refused.value.detail
