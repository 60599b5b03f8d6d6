"""What the table of callers needs of banks and social networks: stand-ins, and what the owner connected."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from majlis.vendors import plaid_fake
from majlis.vendors.connections import fake
from tests.features.connections.networking import allowed
from tests.world import Person, World

DOOR, NATIVE = "/sioree/api", "/api/v1/connections"


class StandIns:
    """Both stand-ins, for the length of a scene."""

    def __init__(self) -> None:
        self._open = (plaid_fake.serving(), fake.serving())
        self.banks, self.networks = self._open[0].__enter__(), self._open[1].__enter__()

    def settings(self) -> dict[str, str]:
        """The settings that lead to them."""
        return {**self.banks.settings(), **self.networks.settings()}

    def close(self) -> None:
        """End both."""
        for one in self._open:
            one.__exit__(None, None, None)


def told(url: str) -> dict[str, str]:
    """Code and state of somebody who allows it."""
    found = dict(parse_qsl(urlsplit(allowed(url)).query))
    return {name: found[name] for name in ("code", "state")}


def _signed(networks: fake.Fake) -> dict[str, Any]:
    """What Instagram sends of somebody whom nobody here connected."""
    return {"data": {"signed_request": networks.signed_request("nobody")}}


def things(world: World, stand_ins: StandIns, here: Person) -> dict[str, Any]:
    """The owner's bank account and accounts at networks; `here` is the owner at the Sioree door."""
    banks, networks = stand_ins.banks, stand_ins.networks
    body = {"publicToken": banks.link()}
    account = world.post(f"{DOOR}/bank/exchange-token", here, body).json()["account"]
    url = world.get(f"{DOOR}/social/spotify/auth-url", here).json()["authUrl"]
    social = world.post(f"{DOOR}/social/spotify/exchange", here, told(url)).json()["account"]
    told_of = world.post(f"{NATIVE}/instagram/data-deletion", **_signed(networks)).json()
    return {
        "platform#meta": "instagram",
        "code#deletion": told_of["confirmation_code"],
        "account_id#bank": account["id"],
        "account_id#social": social["id"],
        "connection_id": social["id"],
    }


def _begun(platform: str) -> Callable[[Any, str], dict[str, Any]]:
    """What a caller brings back who began at a network; nobody brings what the owner began."""

    def body(scene: Any, who: str) -> dict[str, Any]:
        person = scene.doors["/sioree"].get(who, scene.doors["/sioree"]["owner"])
        url = scene.world.get(f"{DOOR}/social/{platform}/auth-url", person).json()["authUrl"]
        return {"json": told(url)}

    return body


def _natively(scene: Any, who: str) -> dict[str, Any]:
    person = scene.people.get(who, scene.owner)
    return {"json": told(scene.world.post(f"{NATIVE}/tiktok/attempts", person).json()["url"])}


def _webhook(scene: Any, who: str) -> dict[str, Any]:
    body, headers = scene.linking.banks.webhook("DEFAULT_UPDATE", "x", kind="TRANSACTIONS")
    return {"content": body, "headers": headers}


BODIES: dict[str, Callable[[Any, str], dict[str, Any]]] = {
    "POST /sioree/api/bank/exchange-token": lambda scene, who: {
        "json": {"publicToken": scene.linking.banks.link()}
    },
    "POST /sioree/api/webhooks/plaid": _webhook,
    **{
        f"POST /sioree/api/social/{platform}/exchange": _begun(platform)
        for platform in ("instagram", "tiktok", "youtube", "spotify")
    },
    "GET /sioree/api/social/{platform}/callback": lambda scene, who: {"params": {"code": "a"}},
    f"POST {NATIVE}/{{platform}}/exchange": _natively,
    **{
        f"POST {NATIVE}/{{platform}}/{told}": lambda scene, who: _signed(scene.linking.networks)
        for told in ("deauthorize", "data-deletion")
    },
    f"PUT {NATIVE}/apple_music": lambda scene, who: {
        "json": {"music_user_token": scene.linking.networks.music_token()}
    },
}
