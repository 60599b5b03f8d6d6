"""Connecting banks at the Sioree door, whose stand-in is on this machine."""

from typing import Any

import httpx
import msgspec

from majlis.surfaces.compat.sioree.audience import AUDIENCE
from majlis.vendors import plaid
from majlis.vendors.plaid_fake import Fake
from tests.access_x18 import through
from tests.world import Person, World

BANK = "/sioree/api/bank"
ACCOUNTS = f"{BANK}/accounts"
WEBHOOK = "/sioree/api/webhooks/plaid"


def served_by(world: World, banks: Fake, **changes: str) -> World:
    """The same world with the settings that lead to the stand-in."""
    settings = {**banks.settings(), **changes}
    world.app.settings = msgspec.structs.replace(world.app.settings, **settings)
    world.go(world.app.plaid.aclose())
    world.app.plaid = plaid.from_settings(world.app.settings)
    return world


def somebody(world: World, name: str = "Amina") -> Person:
    """A person with tokens of this door."""
    return through(world, world.person(name), AUDIENCE)


def exchange(world: World, who: Person, public_token: str) -> httpx.Response:
    """The answer to an app that comes back from Plaid's pages."""
    return world.post(f"{BANK}/exchange-token", who, {"publicToken": public_token})


def connected(world: World, banks: Fake, who: Person, *accounts: Any, **options: Any) -> dict[str, Any]:
    """The first account of a bank that somebody connects."""
    answer = exchange(world, who, banks.link(*accounts, **options))
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["account"])


def listed(world: World, who: Person) -> list[dict[str, Any]]:
    """Somebody's accounts."""
    answer = world.get(ACCOUNTS, who)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["accounts"])


def told(world: World, delivery: tuple[bytes, dict[str, str]]) -> httpx.Response:
    """The answer to a webhook."""
    body, headers = delivery
    return world.post(WEBHOOK, content=body, headers=headers)


def only_item(banks: Fake) -> str:
    """Plaid's id of the one login that there is."""
    (item,) = banks.items.values()
    return str(item["item_id"])


def rows(world: World) -> dict[str, int]:
    """How many rows there are."""
    tables = ("bank_items", "bank_accounts", "bank_removals")
    return {table: world.sql(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}
