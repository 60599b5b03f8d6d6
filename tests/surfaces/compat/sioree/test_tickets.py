"""Tickets at the Sioree door."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from majlis.kit import clock
from majlis.vendors.stripe_fake import Fake
from tests.features.orders.selling import lapse
from tests.features.payments.paying import balanced, books, hear
from tests.surfaces.compat.sioree.guests import Guest, at, entered, night, sign_up
from tests.world import World

TICKET = {"id", "eventId", "userId", "code", "price", "currency", "status", "purchasedAt", "usedAt"}
MINE = "/api/tickets"


def path(event: dict[str, Any]) -> str:
    return f"/api/events/{event['id']}/tickets"


def pay(world: World, stripe: Fake, bought: dict[str, Any]) -> None:
    """What the app does with the link."""
    link = urlsplit(bought["paymentUrl"])
    assert (link.scheme, link.netloc) == ("sioree", "payment")
    (secret,) = parse_qs(link.query)["client_secret"]
    stripe.do("pay", secret.partition("_secret")[0])
    hear(world, stripe)
    world.drain()


def mine(who: Guest) -> list[str]:
    return [one["status"] for one in who.get(MINE)["tickets"]]


@pytest.mark.rule("sioree:D15")
def test_free_tickets_are_paid_at_once(world: World) -> None:
    host, guest = sign_up(world, role="host"), sign_up(world)
    event = night(host, capacity=3)
    bought = guest.post(path(event), {"quantity": 2})
    assert set(bought) == {"tickets", "paymentUrl"} and bought["paymentUrl"] is None
    assert all(set(one) == TICKET for one in bought["tickets"])
    first = bought["tickets"][0]
    assert (first["eventId"], first["userId"], first["price"]) == (event["id"], str(guest.id), 0)
    assert (first["currency"], first["status"], first["usedAt"]) == ("USD", "paid", None)
    assert guest.get(f"/api/events/{event['id']}")["myStatus"] == "going"
    assert guest.get(f"/api/events/{event['id']}")["ticketsLeft"] == 1
    guest.refused(409, "sold_out", "POST", path(event), {"quantity": 2})
    listed = guest.get(MINE, limit=1)
    assert set(listed) == {"tickets", "total", "page", "limit"}
    assert (listed["total"], len(listed["tickets"])) == (2, 1)
    seen = host.get(path(event))
    assert set(seen) == {"tickets", "total", "page", "limit", "sold", "capacity"}
    assert (seen["total"], seen["sold"], seen["capacity"]) == (2, 2, 3)
    guest.refused(403, "not_host", "GET", path(event))


@pytest.mark.rule("sioree:D15")
def test_paid_ones_are_reserved_for_15_minutes_until_they_are_paid(town: World, stripe: Fake) -> None:
    host, guest, late = sign_up(town, role="host"), sign_up(town), sign_up(town)
    event = night(host, ticketPrice=25.5, capacity=3)
    bought = guest.post(path(event), {"quantity": 2})
    assert [(one["status"], one["price"]) for one in bought["tickets"]] == [("reserved", 25.5)] * 2
    pay(town, stripe, bought)
    assert mine(guest) == ["paid", "paid"]
    late.post(path(event), {})
    assert guest.get(f"/api/events/{event['id']}")["ticketsLeft"] == 0
    lapse(town)
    assert (mine(late), guest.get(f"/api/events/{event['id']}")["ticketsLeft"]) == (["cancelled"], 1)
    assert sum(books(town).values()) == 0 and balanced(town, stripe)


@pytest.mark.rule("sioree:D15")
def test_what_was_paid_is_refunded_and_its_place_is_free(town: World, stripe: Fake) -> None:
    host, guest = sign_up(town, role="host"), sign_up(town)
    event = night(host, ticketPrice=10, capacity=1)
    bought = guest.post(path(event), {})
    pay(town, stripe, bought)
    ticket = bought["tickets"][0]["id"]
    host.refused(404, "ticket_not_found", "DELETE", f"{MINE}/{ticket}")
    assert guest.ok("DELETE", f"{MINE}/{ticket}") == {"success": True}
    town.drain()
    hear(town, stripe)
    town.drain()
    assert mine(guest) == ["refunded"]
    assert guest.get(f"/api/events/{event['id']}")["ticketsLeft"] == 1
    assert sum(books(town).values()) == 0 and balanced(town, stripe)


def test_what_a_night_earns_waits_for_the_night_it_becomes(town: World, stripe: Fake) -> None:
    host, guest = sign_up(town, role="host"), entered(town, town.person())
    event = night(host, ticketPrice=15)
    pay(town, stripe, guest.post(path(event), {}))
    for days in (30, 3):
        host.ok("PATCH", f"/api/events/{event['id']}", {"date": at(days=days)})
        town.drain()
        (row,) = town.sql("SELECT payable_from FROM payments")
        assert (
            timedelta(days=days, hours=6) < row["payable_from"] - clock.now() < timedelta(days=days, hours=9)
        )


def test_without_a_provider_nothing_is_reserved_that_costs(world: World) -> None:
    host, guest = sign_up(world, role="host"), sign_up(world)
    event = night(host, ticketPrice=10)
    guest.refused(503, "provider_not_configured", "POST", path(event), {})
    assert mine(guest) == []


@pytest.mark.rule("sioree:D15")
def test_a_code_lets_in_once(world: World) -> None:
    host, guest = sign_up(world, role="host"), sign_up(world)
    event = night(host)
    (ticket,) = guest.post(path(event), {})["tickets"]
    door, shown = f"/api/events/{event['id']}/check-in", {"code": ticket["code"]}
    guest.refused(403, "not_host", "POST", door, shown)
    host.refused(404, "ticket_not_found", "POST", door, {"code": "NOBODYS"})
    used = host.post(door, shown)
    assert (used["id"], used["status"]) == (ticket["id"], "used") and used["usedAt"] is not None
    host.refused(409, "already_used", "POST", door, shown)
    guest.refused(409, "ticket_used", "DELETE", f"{MINE}/{ticket['id']}")
    (other,) = guest.post(path(event), {})["tickets"]
    guest.ok("DELETE", f"{MINE}/{other['id']}")
    host.refused(409, "not_paid", "POST", door, {"code": other["code"]})
    elsewhere = night(host)
    host.refused(404, "ticket_not_found", "POST", f"/api/events/{elsewhere['id']}/check-in", shown)


@pytest.mark.rule("sioree:D15")
def test_what_is_over_is_not_sold(world: World) -> None:
    person = world.person()
    host, guest = sign_up(world, role="host"), world.person()
    event = night(host, date=at(hours=2))
    with clock.shifted(timedelta(days=2)):
        entered(world, person).refused(409, "event_past", "POST", path(event), {})
    for quantity in (0, 11, "two"):
        entered(world, guest).refused(400, "validation_failed", "POST", path(event), {"quantity": quantity})
    nobody = {"id": "00000000-0000-7000-8000-000000000000"}
    entered(world, guest).refused(404, "event_not_found", "POST", path(nobody), {})
