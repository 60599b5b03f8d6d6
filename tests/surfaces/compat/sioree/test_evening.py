"""An evening from the invitation to the payout: people at this door, a scanner and the host's office at the native one."""

from datetime import timedelta
from uuid import uuid4

import pytest

from majlis.features.sessions.model import NATIVE
from majlis.kit import clock
from majlis.vendors.stripe_fake import Fake
from tests.access_x18 import through
from tests.features.admission.test_admission import look
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


@pytest.mark.rule("sioree:R1", "sioree:D15")
def test_an_evening(town: World, stripe: Fake) -> None:
    host = sign_up(town, "Nadia Rahimi", "host")
    pictures = [picture(host)["url"] for _ in range(2)]
    event = night(host, ticketPrice=15, capacity=GUESTS, images=pictures)
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

    # Two scanners without a network see everybody, two of them at both doors, and tell of it later.
    codes = [code(town, guest) for guest in guests]
    at_the_office = natively(town, host)
    left = [look(one, -60 + n) for n, one in enumerate(codes[:12])]
    right = [look(one, -30 + n) for n, one in enumerate(codes[10:])]
    results = []
    for device, scans in (("left", left), ("right", right), ("left", left)):  # one tells it twice
        body = {"scans": scans, "device": device}
        found = ok(town.post(f"{EVENTS}/{event['id']}/check-ins", at_the_office, body))["data"]
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
