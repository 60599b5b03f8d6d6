"""What the recorded pairs of Sioree stand on."""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any

from majlis.features.nightlife import store
from majlis.kit import clock
from majlis.surfaces.compat.sioree.audience import AUDIENCE
from majlis.vendors import plaid_fake, stripe_fake
from majlis.vendors.connections import fake as networks_fake
from tests.features.bank import banking
from tests.features.connections import networking
from tests.features.media.uploads import jpeg
from tests.features.payments import paying
from tests.surfaces.compat import recorded
from tests.surfaces.compat.sioree.guests import at
from tests.world import Person

TITLE, PLACE = "Rooftop until dawn", "Pier 17, New York"


class Scene(recorded.Scene):
    """Amina and Bahar, who go out, and Nadia, who invites, with what they have here."""

    legend: Mapping[str, str] = {
        "a2000000-0000-4000-8000-000000000001": "amina.id",
        "a2000000-0000-4000-8000-000000000002": "bahar.id",
        "a2000000-0000-4000-8000-000000000003": "nadia.id",
        "amina@example.org": "amina.email",
        "eyJhbGciOiJIUzI1NiJ9.amina.access": "amina.token",
        "eyJhbGciOiJIUzI1NiJ9.amina.refresh": "amina.refresh_token",
        "eyJhbGciOiJIUzI1NiJ9.bahar.access": "bahar.token",
        "eyJhbGciOiJIUzI1NiJ9.nadia.access": "nadia.token",
        "2031-03-21T21:00:00Z": "when",
        "2031-03-21": "day",
        "b2000000-0000-4000-8000-000000000001": "conversation.conversationId",
        "b2000000-0000-4000-8000-000000000002": "conversation.id",
        "c2000000-0000-4000-8000-000000000001": "free.id",
        "c2000000-0000-4000-8000-000000000002": "priced.id",
        "c2000000-0000-4000-8000-000000000003": "small.id",
        "d2000000-0000-4000-8000-000000000001": "ticket.id",
        "SIOREE-TICKET-CODE": "ticket.code",
        "public-sandbox-token": "public_token",
        "public-sandbox-card": "card_token",
        "e2000000-0000-4000-8000-000000000001": "account.id",
        "plaid-item-of-amina": "item",
        "eyJhbGciOiJFUzI1NiJ9.item.signature": "signature",
        "eyJhbGciOiJFUzI1NiJ9.empty.signature": "empty_signature",
        **{f"state-of-{name}": f"back_{name}.state" for name in networking.AT_THE_DOOR},
        **{f"code-of-{name}": f"back_{name}.code" for name in networking.AT_THE_DOOR},
        "f2000000-0000-4000-8000-000000000001": "connected.id",
        "https://cdn.sioree.com/a/1-a.webp": "picture.url",
    }

    def ok(self, method: str, path: str, who: Person, body: Any = None, **options: Any) -> Any:
        """The body of a success."""
        if body is not None:
            options["json"] = body
        answer = self.world.request(method, f"/sioree/api{path}", who, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @cached_property
    def amina(self) -> Person:
        return self.person("Amina", "Karimi", AUDIENCE)

    @cached_property
    def bahar(self) -> Person:
        return self.person("Bahar", "Noori", AUDIENCE)

    @cached_property
    def nadia(self) -> Person:
        host = self.person("Nadia", "Rahimi", AUDIENCE)

        async def become() -> None:
            async with self.world.app.db.tx() as tx:
                await tx.run(store.ADD_PERSON, host.id, "host", clock.now())

        self.world.go(become())
        return host

    # ---- messages

    @cached_property
    def conversation(self) -> Any:
        """What Bahar wrote to Amina."""
        return self.ok(
            "POST", "/messages", self.bahar, {"receiverId": str(self.amina.id), "text": "See you at nine?"}
        )

    @property
    def answered(self) -> Any:
        assert self.conversation
        return self.ok("POST", "/messages", self.amina, {"receiverId": str(self.bahar.id), "text": "At ten."})

    @property
    def read(self) -> Any:
        """By Amina."""
        return self.ok("POST", f"/messages/{self.conversation['conversationId']}/read", self.amina)

    # ---- nights

    @cached_property
    def when(self) -> str:
        return at(days=7)

    @cached_property
    def day(self) -> str:
        return self.when[:10]

    @cached_property
    def picture(self) -> Any:
        return self.ok("POST", "/media/upload", self.nadia, files={"file": ("a.jpg", jpeg())})

    @property
    def picture_of_amina(self) -> None:
        """The upload is hers."""
        self.__dict__["picture"] = self.ok(
            "POST", "/media/upload", self.amina, files={"file": ("a.jpg", jpeg())}
        )

    def _night(self, **fields: Any) -> Any:
        new = {"title": TITLE, "date": self.when, "location": PLACE, **fields}
        return self.ok("POST", "/events", self.nadia, new)

    @cached_property
    def free(self) -> Any:
        return self._night()

    @cached_property
    def priced(self) -> Any:
        return self._night(ticketPrice=25.5, capacity=100, tags=["rooftop", "house"])

    @cached_property
    def small(self) -> Any:
        """For one alone."""
        return self._night(capacity=1)

    @property
    def crowded(self) -> Any:
        return self.ok("POST", f"/events/{self.small['id']}/tickets", self.bahar, {})

    @property
    def going(self) -> Any:
        return self.ok("POST", f"/events/{self.free['id']}/attend", self.amina, {"status": "going"})

    @cached_property
    def ticket(self) -> Any:
        """Of Amina's, for the night that costs nothing."""
        (found,) = self.ok("POST", f"/events/{self.free['id']}/tickets", self.amina, {})["tickets"]
        return found

    @property
    def two_tickets(self) -> Any:
        return self.ok("PATCH", f"/events/{self.free['id']}", self.nadia, {"capacity": 3}), self.ok(
            "POST", f"/events/{self.free['id']}/tickets", self.amina, {"quantity": 2}
        )

    @property
    def used(self) -> Any:
        return self.ok(
            "POST", f"/events/{self.free['id']}/check-in", self.nadia, {"code": self.ticket["code"]}
        )

    @property
    def given_back(self) -> Any:
        return self.ok("DELETE", f"/tickets/{self.ticket['id']}", self.amina)

    @property
    def later(self) -> str:
        """The night is over."""
        self.stack.enter_context(clock.shifted(timedelta(days=14)))
        return "over"

    @cached_property
    def stripe(self) -> stripe_fake.Fake:
        running = self.stack.enter_context(stripe_fake.serving())
        self.stack.enter_context(paying.served_by(self.world, running))
        return running

    # ---- banks

    @cached_property
    def banks(self) -> plaid_fake.Fake:
        running = self.stack.enter_context(plaid_fake.serving())
        banking.served_by(self.world, running)
        return running

    @cached_property
    def public_token(self) -> str:
        return self.banks.link()

    @cached_property
    def card_token(self) -> str:
        return self.banks.link(plaid_fake.CARD)

    @property
    def banks_down(self) -> str:
        self.banks.fault = "down"
        return "down"

    @cached_property
    def account(self) -> Any:
        return self.ok("POST", "/bank/exchange-token", self.amina, {"publicToken": self.public_token})[
            "account"
        ]

    @cached_property
    def item(self) -> str:
        assert self.account
        return banking.only_item(self.banks)

    @cached_property
    def signature(self) -> str:
        told = {"webhook_type": "ITEM", "webhook_code": "LOGIN_REPAIRED", "item_id": self.item}
        return self.banks.signature(json.dumps(told).encode())

    @cached_property
    def empty_signature(self) -> str:
        return self.banks.signature(b"{}")

    # ---- social networks

    @cached_property
    def networks(self) -> networks_fake.Fake:
        running = self.stack.enter_context(networks_fake.serving())
        networking.served_by(self.world, running)
        return running

    @property
    def networks_down(self) -> str:
        self.networks.fault = "down"
        return "down"

    def __getattr__(self, name: str) -> Any:
        """`back_spotify` is what Amina comes back with from Spotify."""
        network = name.removeprefix("back_")
        if network not in networking.AT_THE_DOOR:
            raise AttributeError(name)
        assert self.networks
        found = self.__dict__[name] = networking.came_back(self.world, self.amina, network)
        return found

    @cached_property
    def connected(self) -> Any:
        assert self.networks
        return networking.connected(self.world, self.amina, "instagram")
