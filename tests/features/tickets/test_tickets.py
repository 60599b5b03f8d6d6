"""Tickets that people hold: who sees them, handing them on, the stance that goes with them."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from majlis.features.tickets import service, store
from majlis.features.tickets.model import EventFull, TicketRequired
from majlis.kit.db import Query
from majlis.vendors.stripe_fake import Fake
from tests.features.events.inviting import EVENTS, counts, invite, stand
from tests.features.orders.selling import (
    FREE,
    ORDERS,
    TICKETS,
    bought,
    ok,
    order,
    outcomes,
    refused,
    show,
    together,
)
from tests.features.posts.writing import block
from tests.features.queries import counted
from tests.world import PASSWORD, Person, World

TRANSFERS = "/api/v1/ticket-transfers"


def offer(world: World, who: Person, ticket: dict[str, Any], to: Person) -> Any:
    return world.post(f"{TICKETS}/{ticket['id']}/transfer", who, {"user_id": str(to.id)})


def stance(world: World, who: Person, event: dict[str, Any]) -> str | None:
    found: str | None = ok(world.get(f"{EVENTS}/{event['id']}", who))["my_event_state"]
    return found


def test_a_ticket_is_its_holders_and_the_hosts(town: World, stripe: Fake) -> None:
    host, amina, bilal = (town.person() for _ in range(3))
    event, kind = show(town, host, 5)
    made = bought(town, stripe, amina, event, kind, 2)
    (ticket, _) = made["tickets"]
    assert ticket == {
        "id": ticket["id"], "post_id": event["id"], "type_id": kind, "type_name": "Entry", "order_id": made["id"],
        "holder_id": str(amina.id), "code": ticket["code"], "price": 1500, "paid": 1500, "currency": "EUR",
        "status": "paid", "purchased_at": ticket["purchased_at"], "used_at": None,
    }  # fmt: skip
    path = f"{TICKETS}/{ticket['id']}"
    assert [town.get(path, who).status_code for who in (amina, host, bilal, None)] == [200, 200, 404, 401]
    assert ok(town.get(path, host)) == ticket
    assert len({one["code"] for one in made["tickets"]}) == 2
    assert all(len(one["code"]) == 12 for one in made["tickets"])


def test_who_holds_tickets_only_the_host_is_told(world: World) -> None:
    host, amina, bilal = world.person(), world.person("Amina"), world.person()
    event, kind = show(world, host, None, FREE)
    order(world, amina, event, kind, 3)
    path = f"{EVENTS}/{event['id']}/tickets"
    assert refused(world.get(path, amina)) == (403, "not_host")
    assert refused(world.get(path)) == (401, "unauthenticated")
    block(world, host, bilal)
    assert refused(world.get(path, bilal)) == (404, "not_found")
    found = ok(world.get(f"{path}?offset=0&limit=2", host))
    assert (found["total"], {one["holder"]["first_name"] for one in found["data"]}) == (3, {"Amina"})
    block(world, amina, host)
    assert [one["holder"] for one in ok(world.get(path, host))["data"]] == [None] * 3


def test_lists_go_page_by_page_with_the_same_number_of_queries(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host, None, FREE)
    for _ in range(5):
        order(world, amina, event, kind)
    for path, who in ((TICKETS, amina), (f"{EVENTS}/{event['id']}/tickets", host)):
        first = ok(world.get(f"{path}?limit=3", who))
        second = ok(world.get(f"{path}?limit=3&cursor={first['next_cursor']}", who))
        third = ok(world.get(f"{path}?offset=3", who))
        assert (len(first["data"]), second["data"], third["total"]) == (3, third["data"], 5)
        with counted(world) as few:
            world.get(f"{path}?limit=1", who)
        with counted(world) as many:
            world.get(path, who)
        assert len(few) == len(many)


# ---- handing on


def test_a_ticket_changes_hands_when_the_other_agrees(world: World) -> None:
    host, amina, bilal, karim = (world.person() for _ in range(4))
    event, kind = show(world, host, None, FREE)
    made = order(world, amina, event, kind)
    (ticket,) = made["tickets"]
    offered = ok(offer(world, amina, ticket, bilal))
    assert (offered["status"], offered["to_id"]) == ("open", str(bilal.id))
    assert [one["id"] for one in ok(world.get(TRANSFERS, bilal))["data"]] == [offered["id"]]
    assert [one["id"] for one in ok(world.get(TRANSFERS, amina))["data"]] == [offered["id"]]
    assert ok(world.get(TRANSFERS, karim))["data"] == []
    accept = f"{TRANSFERS}/{offered['id']}/accept"
    assert refused(world.post(accept, karim)) == refused(world.post(accept, amina)) == (404, "not_found")
    taken = ok(world.post(accept, bilal))
    assert (taken["holder_id"], taken["status"]) == (str(bilal.id), "paid")
    assert taken["code"] != ticket["code"]
    assert refused(world.post(accept, bilal)) == (409, "transfer_over")
    assert world.get(f"{TICKETS}/{ticket['id']}", amina).status_code == 404
    assert ok(world.get(f"{ORDERS}/{made['id']}", amina))["tickets"] == []  # nor the code of who has it now
    assert refused(world.delete(f"{TICKETS}/{ticket['id']}", amina)) == (404, "not_found")
    assert stance(world, bilal, event) is None
    world.drain()
    assert (stance(world, bilal, event), stance(world, amina, event)) == ("going", "interested")
    assert counts(world, event) == (1, 1)


def test_an_offer_is_withdrawn_or_declined(world: World) -> None:
    host, amina, bilal = (world.person() for _ in range(3))
    event, kind = show(world, host, None, FREE)
    (ticket,) = order(world, amina, event, kind)["tickets"]
    for who in (amina, bilal):
        offered = ok(offer(world, amina, ticket, bilal))
        assert refused(offer(world, amina, ticket, host)) == (409, "transfer_open")
        assert refused(world.delete(f"{TRANSFERS}/{offered['id']}", host)) == (404, "not_found")
        assert world.delete(f"{TRANSFERS}/{offered['id']}", who).status_code == 204
        assert refused(world.delete(f"{TRANSFERS}/{offered['id']}", who)) == (409, "transfer_over")
        assert refused(world.post(f"{TRANSFERS}/{offered['id']}/accept", bilal)) == (409, "transfer_over")
    assert ok(world.get(f"{TICKETS}/{ticket['id']}", amina)) == ticket
    rows = world.sql("SELECT status FROM ticket_transfers ORDER BY id")
    assert [row["status"] for row in rows] == ["withdrawn", "declined"]


def test_a_block_between_offer_and_taking_ends_it(world: World) -> None:
    host, amina, bilal, karim = (world.person() for _ in range(4))
    event, kind = show(world, host, None, FREE)
    first, second = order(world, amina, event, kind, 2)["tickets"]
    to_bilal, to_karim = ok(offer(world, amina, first, bilal)), ok(offer(world, amina, second, karim))
    block(world, amina, bilal)
    assert refused(world.post(f"{TRANSFERS}/{to_bilal['id']}/accept", bilal)) == (409, "transfer_over")
    block(world, host, karim)  # whom the host keeps out does not come in by way of somebody else
    assert refused(world.post(f"{TRANSFERS}/{to_karim['id']}/accept", karim)) == (404, "not_found")
    for ticket in (first, second):
        assert ok(world.get(f"{TICKETS}/{ticket['id']}", amina))["holder_id"] == str(amina.id)


def test_what_is_not_handed_on(town: World, stripe: Fake) -> None:
    host, amina, bilal = (town.person() for _ in range(3))
    event, kind = show(town, host, None)
    (kept,) = order(town, amina, event, kind)["tickets"]
    assert refused(offer(town, amina, kept, bilal)) == (409, "ticket_not_valid")
    first, second = bought(town, stripe, amina, event, kind, 2)["tickets"]
    assert refused(offer(town, amina, first, amina)) == (409, "own_ticket")
    assert refused(offer(town, bilal, first, host)) == (404, "not_found")
    assert refused(offer(town, host, first, bilal)) == (404, "not_found")
    assert refused(town.post(f"{TICKETS}/{first['id']}/transfer", amina, {"user_id": str(uuid4())}))[0] == 404
    offered = ok(offer(town, amina, first, bilal))
    ok(town.delete(f"{TICKETS}/{first['id']}", amina))
    assert refused(town.post(f"{TRANSFERS}/{offered['id']}/accept", bilal)) == (409, "transfer_over")
    scans = {"scans": [{"code": second["code"], "nonce": "longer-than-8"}]}
    ok(town.post(f"{EVENTS}/{event['id']}/check-ins", host, scans))
    assert refused(offer(town, amina, second, bilal)) == (409, "ticket_used")
    block(town, bilal, amina)
    (third,) = bought(town, stripe, amina, event, kind)["tickets"]
    assert refused(offer(town, amina, third, bilal)) == (404, "not_found")


def test_open_offers_go_page_by_page(world: World) -> None:
    amina, bilal = world.person(), world.person()
    event, kind = show(world, world.person(), None, FREE)
    made = [
        ok(offer(world, amina, one, bilal))["id"] for one in order(world, amina, event, kind, 3)["tickets"]
    ]
    first = ok(world.get(f"{TRANSFERS}?limit=2", bilal))
    second = ok(world.get(f"{TRANSFERS}?limit=2&cursor={first['next_cursor']}", bilal))
    assert [one["id"] for part in (first, second) for one in part["data"]] == made[::-1]
    assert ok(world.get(f"{TRANSFERS}?offset=2", amina))["total"] == 3
    with counted(world) as few:
        world.get(f"{TRANSFERS}?limit=1", bilal)
    with counted(world) as many:
        world.get(TRANSFERS, bilal)
    assert len(few) == len(many)


# ---- stances


@pytest.mark.rule("sioree:D15")
def test_who_buys_goes_and_who_gives_back_does_not(world: World) -> None:
    amina = world.person()
    event, kind = show(world, world.person(), None, FREE)
    first, second = order(world, amina, event, kind, 2)["tickets"]
    assert stance(world, amina, event) == "going"
    ok(world.delete(f"{TICKETS}/{first['id']}", amina))
    world.drain()
    assert stance(world, amina, event) == "going"
    ok(world.delete(f"{TICKETS}/{second['id']}", amina))
    world.drain()
    assert stance(world, amina, event) == "interested"
    stand(world, amina, event, "not_interested")
    order(world, amina, event, kind)
    assert stance(world, amina, event) == "going"


def test_who_cannot_see_the_event_any_more_still_gives_the_ticket_back(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host, None, FREE)
    (ticket,) = order(world, amina, event, kind)["tickets"]
    block(world, host, amina)
    assert world.delete(f"{TICKETS}/{ticket['id']}", amina).status_code == 204
    assert world.drain() > 0
    assert world.sql("SELECT status FROM tickets") == [{"status": "cancelled"}]


def test_a_ticket_of_somebody_who_is_erased_is_nobodys(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host, None, FREE)
    order(world, amina, event, kind)
    ok(
        world.request(
            "DELETE", "/api/v1/users/me/account", amina, json={"reason": "other", "password": PASSWORD}
        )
    )
    world.drain()
    world.sql("DELETE FROM users WHERE id = $1 RETURNING 1", amina.id)
    (found,) = ok(world.get(f"{EVENTS}/{event['id']}/tickets", host))["data"]
    assert (found["holder"], found["ticket"]["holder_id"], found["ticket"]["status"]) == (None, None, "paid")


def may_go(world: World, who: Person, event: dict[str, Any]) -> None:
    async def ask() -> None:
        async with world.app.db.read() as tx:
            await service.may_go(tx, who.me, UUID(event["id"]))

    world.go(ask())


def test_who_may_say_to_go_where_that_takes_a_ticket(town: World, stripe: Fake) -> None:
    host, amina, bilal = (town.person() for _ in range(3))
    may_go(town, amina, invite(town, host))
    dear, kind = show(town, host, 5)
    with pytest.raises(TicketRequired) as refusal:
        may_go(town, amina, dear)
    assert (refusal.value.status, refusal.value.code) == (402, "ticket_required")
    bought(town, stripe, amina, dear, kind)
    may_go(town, amina, dear)
    small, free = show(town, host, 1, FREE)
    may_go(town, amina, small)
    order(town, amina, small, free)
    may_go(town, amina, small)
    with pytest.raises(EventFull):
        may_go(town, bilal, small)


# ---- mails


def test_people_are_told_by_mail(town: World, stripe: Fake) -> None:
    host, amina, bilal = town.person(), town.person("Amina"), town.person()
    event, kind = show(town, host, 2, title="Kite day")
    made = bought(town, stripe, amina, event, kind, 2)
    entry = {"type_id": kind}
    ok(town.post(f"{EVENTS}/{event['id']}/waitlist", bilal, entry))
    ok(offer(town, amina, made["tickets"][1], bilal))
    ok(town.delete(f"{TICKETS}/{made['tickets'][0]['id']}", amina))
    town.drain()
    told = {(one.to, one.subject): one.text for one in town.mails()}
    assert "2 × Entry for Kite day" in told[amina.email, "Your tickets"]
    assert "30.00 EUR. Invoice 1 of" in told[amina.email, "Your tickets"]
    assert "15.00 EUR" in told[amina.email, "Your tickets were taken back"]
    assert "Amina Test offers you a ticket for Kite day" in told[bilal.email, "A ticket for you"]
    assert "UTC; after that" in told[bilal.email, "Tickets are kept for you"]
    assert made["tickets"][1]["code"] not in "".join(told.values())


# ---- at once


def taking(world: World, who: Person, offered: dict[str, Any]) -> Any:
    async def take() -> Any:
        async with world.app.db.tx() as tx:
            return await service.accept(tx, who.me, UUID(offered["id"]))

    return take


def test_taken_and_withdrawn_at_once_is_one_of_both(clone: World) -> None:
    amina, bilal = clone.person(), clone.person()
    event, kind = show(clone, clone.person(), None, FREE)
    (ticket,) = order(clone, amina, event, kind)["tickets"]
    offered = ok(offer(clone, amina, ticket, bilal))

    async def withdraw() -> Any:
        async with clone.app.db.tx() as tx:
            await service.end(tx, amina.me, UUID(offered["id"]))

    row = "SELECT 1 FROM ticket_transfers FOR UPDATE"
    works = [taking(clone, bilal, offered), withdraw]
    found = together(clone, row, [], works)
    assert outcomes(found) in ({"Ticket": 1, "TransferOver": 1}, {"NoneType": 1, "TransferOver": 1})


def test_control_without_the_state_both_happen(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina, bilal = clone.person(), clone.person()
    event, kind = show(clone, clone.person(), None, FREE)
    (ticket,) = order(clone, amina, event, kind)["tickets"]
    offered = ok(offer(clone, amina, ticket, bilal))
    loose = store.END_TRANSFER.sql.replace("AND status = 'open'", "")
    monkeypatch.setattr(store, "END_TRANSFER", Query(UUID, loose))

    async def withdraw() -> Any:
        async with clone.app.db.tx() as tx:
            await service.end(tx, amina.me, UUID(offered["id"]))

    async def run() -> list[Any]:
        return list(await asyncio.gather(taking(clone, bilal, offered)(), withdraw(), return_exceptions=True))

    assert outcomes(clone.go(run())) == {"Ticket": 1, "NoneType": 1}
