"""What the table of callers needs of tickets: an event of the owner's that sells some, and what the owner bought."""

from collections.abc import Callable
from typing import Any

from tests.features.events.inviting import EVENTS, when
from tests.features.orders.selling import FREE, PAID, add_type, items, ok, open_office, order
from tests.world import Person, World


def things(world: World, event_id: str, owner: Person, friend: Person) -> dict[str, Any]:
    """A type, a code and an order of the owner's event; an order, a ticket, an offer and a place in a line elsewhere."""
    mine = {"id": event_id}
    open_office(world, owner, mine)
    free, full = add_type(world, owner, mine, **FREE), add_type(world, owner, mine, **{**FREE, "capacity": 1})
    order(world, owner, mine, full)
    unsold = add_type(world, owner, mine, **{**FREE, "name": "Unsold"})
    code = ok(world.post(f"{EVENTS}/{event_id}/discount-codes", owner, {"code": "SPRING", "percent": 5}))
    sold = order(world, owner, mine, free)
    theirs = _friends_event(world, friend)
    paid = order(world, owner, theirs, add_type(world, friend, theirs, **PAID))
    ticket = order(world, owner, mine, free)["tickets"][0]
    other = order(world, owner, mine, free)["tickets"][0]
    transfer = ok(world.post(f"/api/v1/tickets/{other['id']}/transfer", owner, {"user_id": str(friend.id)}))
    body = {"type": "EVENT", "title": "chess", **when(48, 50)}
    repeated = str(ok(world.post("/api/v1/posts", owner, body))["id"])
    ok(world.post(f"{EVENTS}/{repeated}/series", owner, {"rrule": "FREQ=DAILY;COUNT=2"}))
    ok(world.put(f"{EVENTS}/{event_id}/stewards/{friend.id}", owner))  # who may scan, and nothing else
    return {
        "post_id#series": repeated, "user_id#event": str(friend.id),
        "type_id": unsold, "type_id#free": free, "type_id#full": full, "code_id": code["id"], "order_id": paid["id"],
        "order_id#sold": sold["id"], "ticket_id": ticket["id"], "transfer_id": transfer["id"],
        "entry_id": _offered(world, owner, friend, theirs),
    }  # fmt: skip


def _friends_event(world: World, friend: Person) -> dict[str, Any]:
    body = {"type": "EVENT", "title": "poetry", **when(48, 50)}
    event: dict[str, Any] = ok(world.post("/api/v1/posts", friend, body))
    open_office(world, friend, event)
    return event


def _offered(world: World, owner: Person, friend: Person, event: dict[str, Any]) -> str:
    """A place in a line of the owner's, to whom a ticket is offered."""
    kind = add_type(world, friend, event, **{**FREE, "capacity": 1})
    taken = order(world, friend, event, kind)
    entry = ok(world.post(f"{EVENTS}/{event['id']}/waitlist", owner, {"type_id": kind}))
    ok(world.delete(f"/api/v1/tickets/{taken['tickets'][0]['id']}", friend))
    world.drain()
    return str(entry["id"])


Body = Callable[[Any, str], dict[str, Any]]


def _json(**values: Any) -> Body:
    return lambda scene, who: {"json": values}


BODIES: dict[str, Body] = {
    "PUT /api/v1/events/{post_id}/box-office": _json(currency="EUR"),
    "POST /api/v1/events/{post_id}/ticket-types": _json(**FREE),
    "PUT /api/v1/ticket-types/{type_id}": _json(name="Gate"),
    "POST /api/v1/events/{post_id}/discount-codes": _json(code="AUTUMN", percent=5),
    "PUT /api/v1/discount-codes/{code_id}": _json(active=False),
    "POST /api/v1/events/{post_id}/orders": lambda scene, who: {"json": items(scene.things["type_id#free"])},
    "POST /api/v1/events/{post_id}/series": _json(rrule="FREQ=DAILY;COUNT=2"),
    "POST /api/v1/events/{post_id}/waitlist": lambda scene, who: {
        "json": {"type_id": scene.things["type_id#full"]}
    },
    "POST /api/v1/events/{post_id}/check-ins": _json(scans=[{"code": "nobody's", "nonce": "12345678"}]),
    "POST /api/v1/tickets/{ticket_id}/transfer": lambda scene, who: {
        "json": {"user_id": str(scene.people["friend"].id)}
    },
}
