"""An evening from the invitation to the payout: people at this door, a scanner and the host's office at the native one."""

from datetime import timedelta
from uuid import uuid4

import pytest

from majlis.features.sessions.model import NATIVE
from majlis.kit import clock
from majlis.vendors.connections import fake as networks_fake
from majlis.vendors.plaid_fake import Fake as Banks
from majlis.vendors.stripe_fake import Fake
from tests.access_x18 import through
from tests.features.admission.test_admission import look
from tests.features.bank import banking
from tests.features.connections import networking
from tests.features.events.inviting import EVENTS
from tests.features.orders.selling import ORDERS, TICKETS, ok
from tests.features.payments.paying import balanced, books, hear
from tests.features.payouts.test_payouts import PAYOUTS, opened
from tests.surfaces.compat.sioree.guests import Guest, entered, night, picture, sign_up
from tests.surfaces.compat.sioree.test_tickets import mine, path, pay
from tests.world import Person, World

GUESTS, PRICE = 20, 1500


def natively(world: World, who: Guest) -> Person:
    """The same person with tokens of the native door."""
    return through(world, Person(who.id, who.user["email"], "", "", None), NATIVE)  # type: ignore[arg-type]


def code(world: World, who: Guest) -> str:
    """What the picture of somebody's paid ticket holds."""
    person = natively(world, who)
    (ticket,) = [one for one in ok(world.get(TICKETS, person))["data"] if one["status"] == "paid"]
    return str(ok(world.get(f"{TICKETS}/{ticket['id']}/code", person))["token"])


def connect_bank(host: Guest, banks: Banks) -> None:
    """Through Plaid's pages and back; the app sees the account."""
    opened_with = host.post("/api/bank/link-token")
    assert set(opened_with) == {"linkToken", "expiration"}
    account = host.post("/api/bank/exchange-token", {"publicToken": banks.link()})["account"]
    assert account["isVerified"] and host.get("/api/bank/accounts")["accounts"] == [account]


def connect_instagram(town: World, host: Guest) -> None:
    """Through Instagram's page, by way of our https address, into the app and back."""
    begun = host.get("/api/social/instagram/auth-url")
    told = networking.landed(town, networking.allowed(begun["authUrl"]))
    assert told["state"] == begun["state"]
    body = {"code": told["code"], "state": told["state"]}
    account = host.post("/api/social/instagram/exchange", body)["account"]
    assert (account["platform"], account["username"], account["isConnected"]) == ("instagram", "@nadia", True)
    assert host.get("/api/social/accounts")["accounts"] == [account]


@pytest.fixture
def evening(town: World, banks: Banks, networks: networks_fake.Fake) -> World:
    """A town with every company that an evening needs."""
    networks.people["instagram"] = "nadia"
    return networking.served_by(banking.served_by(town, banks), networks)


@pytest.mark.rule("sioree:R1", "sioree:D15")
def test_an_evening(evening: World, stripe: Fake, banks: Banks) -> None:
    town = evening
    host = sign_up(town, "Nadia Rahimi", "host")
    connect_bank(host, banks)
    connect_instagram(town, host)
    pictures = [picture(host)["url"] for _ in range(2)]
    event = night(host, ticketPrice=15, capacity=GUESTS, images=pictures)
    assert host.get(f"/api/events/{event['id']}")["images"] == pictures
    account = opened(town, stripe, natively(town, host))
    guests = [entered(town, town.person(f"Guest{n}")) for n in range(GUESTS)]
    for guest in guests:
        pay(town, stripe, guest.post(path(event), {}))
    assert all(mine(guest) == ["paid"] for guest in guests)
    latecomer = town.person("Late")
    late = entered(town, latecomer)
    late.refused(409, "sold_out", "POST", path(event), {})

    # One cannot come, and who waits moves up.
    kind = ok(town.get(f"{EVENTS}/{event['id']}/ticket-types"))["ticket_types"][0]["id"]
    place = ok(town.post(f"{EVENTS}/{event['id']}/waitlist", latecomer, {"type_id": kind}))
    gone = guests.pop()
    gone.ok("DELETE", f"/api/tickets/{gone.get('/api/tickets')['tickets'][0]['id']}")
    town.drain()
    hear(town, stripe)
    assert mine(gone) == ["refunded"]
    late.refused(409, "sold_out", "POST", path(event), {})  # what is offered is kept for who waits
    order = ok(town.post(f"/api/v1/waitlist/{place['id']}/order", latecomer))
    secret = ok(town.post(f"{ORDERS}/{order['id']}/payment", latecomer))["client_secret"]
    stripe.do("pay", secret.partition("_secret")[0])
    hear(town, stripe)
    town.drain()
    assert mine(late) == ["paid"]
    guests.append(late)
    assert host.get(path(event))["sold"] == GUESTS

    # Two scanners without a network, the host's and a friend's, see everybody, two of them at both doors, and tell of it
    # later.
    codes = [code(town, guest) for guest in guests]
    at_the_office = natively(town, host)
    left = [look(one, -60 + n) for n, one in enumerate(codes[:12])]
    right = [look(one, -30 + n) for n, one in enumerate(codes[10:])]
    friend = town.person("Karim")
    ok(town.put(f"{EVENTS}/{event['id']}/stewards/{friend.id}", at_the_office))
    results = []
    for who, scans in ((at_the_office, left), (friend, right), (at_the_office, left)):  # one tells it twice
        body = {"scans": scans, "device": "friend" if who is friend else "host"}
        found = ok(town.post(f"{EVENTS}/{event['id']}/check-ins", who, body))["data"]
        results.append([one["result"] for one in found])
    assert results[0] == ["admitted"] * 12
    assert results[1] == ["already_used"] * 2 + ["admitted"] * 8
    assert results[2] == results[0]
    assert ok(town.get(f"{EVENTS}/{event['id']}/attendance", at_the_office)) == {
        "admitted": GUESTS,
        "expected": GUESTS,
    }
    used = guests[0].get("/api/tickets")["tickets"][0]
    host.refused(409, "already_used", "POST", f"/api/events/{event['id']}/check-in", {"code": used["code"]})

    # When it is over the host is paid out.
    with clock.shifted(timedelta(days=9)):
        ok(
            town.post(
                PAYOUTS, natively(town, host), {"currency": "USD"}, headers={"Idempotency-Key": str(uuid4())}
            )
        )
        town.drain()
    fee = GUESTS * (PRICE * town.app.settings.ticket_fee_percent // 100)
    (transfer,) = stripe.books.of("transfer")
    assert (transfer["amount"], transfer["destination"]) == (GUESTS * PRICE - fee, account)
    assert sum(books(town).values()) == 0 and balanced(town, stripe)
