"""Signing in by Google, Apple and Facebook, whose stand-in gives the tokens."""

from typing import Any

import httpx
import msgspec

from majlis.vendors import oauth
from majlis.vendors.oauth.fake import Fake
from tests.features.identity.accounts import AUTH
from tests.world import PASSWORD, Person, World

OAUTH = f"{AUTH}/oauth"
IDENTITIES = f"{AUTH}/identities"
NONCE = "a-nonce-that-the-app-made"
RELAY = "x7q2@privaterelay.appleid.com"
KINDS = ("google", "apple", "facebook")


def served_by(world: World, companies: Fake, **changes: str) -> World:
    """The same world with the settings that lead to the stand-in."""
    settings = {**companies.settings(), **changes}
    world.app.settings = msgspec.structs.replace(world.app.settings, **settings)
    world.go(world.app.oauth.aclose())
    world.app.oauth = oauth.from_settings(world.app.settings)
    return world


def proof(
    companies: Fake, kind: str, subject: str, email: str | None = None, **changes: Any
) -> dict[str, Any]:
    """The body with which somebody signs in."""
    if kind == "google":
        return {"id_token": companies.google(subject, email, **changes)}
    if kind == "apple":
        return {"id_token": companies.apple(subject, email, **{"nonce": NONCE, **changes}), "nonce": NONCE}
    return {"access_token": companies.facebook(subject, email, **changes)}


def enter(
    world: World, companies: Fake, kind: str, subject: str, email: str | None = None, **body: Any
) -> httpx.Response:
    """The answer to somebody who signs in."""
    return world.post(f"{OAUTH}/{kind}", json={**proof(companies, kind, subject, email), **body})


def link(
    world: World, companies: Fake, who: Person, kind: str, subject: str, email: str | None = None
) -> httpx.Response:
    """The answer to an owner who links."""
    return world.post(f"{OAUTH}/{kind}/link", who, json=owned(proof(companies, kind, subject, email)))


def owned(body: dict[str, Any]) -> dict[str, Any]:
    """The same with the password, which adding a way to sign in takes."""
    return {**body, "password": PASSWORD}


def linked(world: World, who: Person) -> list[str]:
    """The companies of somebody's identities."""
    return [one["provider"] for one in world.get(IDENTITIES, who).json()["data"]]


def counts(world: World) -> dict[str, int]:
    """How many rows there are."""
    tables = ("users", "profiles", "privacy_settings", "user_identities", "user_sessions", "oauth_grants")
    return {table: world.sql(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}
