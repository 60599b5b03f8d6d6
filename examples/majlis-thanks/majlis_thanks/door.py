"""A door with shapes of its own, over the same service: what a client of another contract would come through."""

from typing import ClassVar

import msgspec

from majlis.app import App
from majlis.features.sessions.model import NATIVE
from majlis.kit import http
from majlis.kit.errors import Refused
from majlis.kit.http import Request, access
from majlis.kit.limits import Limit
from majlis.kit.me import Me
from majlis.surfaces.compat.door import Door, LimitOffset
from majlis_thanks.thanks import service

api = http.Api("thanks")


class Card(msgspec.Struct, rename="camel"):
    """Thanks, as this door shows them."""

    thanked_for: str
    on_day: str


class Cards(msgspec.Struct):
    """What the caller was thanked for."""

    cards: list[Card]


class Problem(msgspec.Struct):
    """A refusal."""

    problem: str


@api.get("/cards", policy=access.user)
async def cards(app: App, me: Me, query: LimitOffset) -> Cards:
    """The newest thanks of the caller."""
    async with app.db.read() as tx:
        found = await service.mine(tx, me, query.paging())
    return Cards([Card(one.words, one.created_at.date().isoformat()) for one in found.items])


class ThanksDoor(Door):
    """Under /thanks, for tokens of the native door."""

    name = "thanks"
    title = "Thanks"
    mount = "/thanks"
    description: ClassVar[str] = "What people thanked you for."
    error_type = Problem
    audience = NATIVE
    auth = Limit("thanks-auth", 10, 60)
    writes = Limit("thanks-writes", 60, 60)
    reads = Limit("thanks-reads", 600, 60)

    def __init__(self) -> None:
        super().__init__([api])

    def render(self, refused: Refused, request: Request) -> Problem:
        """The body of a refusal."""
        return Problem(self.code(refused, request))
