"""Letting people in: signed codes, scanners with and without a network, one ticket lets one in."""

import base64
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from majlis.app import sealer
from majlis.features.admission import handlers, service, store
from majlis.features.admission.model import Scan, ScansBody
from majlis.features.tickets import store as tickets
from majlis.kit import clock
from majlis.kit.db import Query
from majlis.kit.errors import Malformed
from majlis.vendors.stripe_fake import Fake
from tests.features.events.inviting import EVENTS
from tests.features.orders.selling import FREE, TICKETS, bought, ok, order, outcomes, refused, show, together
from tests.features.posts.writing import block, faults
from tests.features.queries import counted
from tests.world import Person, World, settings_for


def code(world: World, who: Person, ticket: dict[str, Any]) -> str:
    """What a ticket shows."""
    return str(ok(world.get(f"{TICKETS}/{ticket['id']}/code", who))["token"])


def look(shown: str, minutes: float | None = None, nonce: str | None = None) -> dict[str, Any]:
    """A scan, so many minutes from now."""
    at = {} if minutes is None else {"scanned_at": (clock.now() + timedelta(minutes=minutes)).isoformat()}
    return {"code": shown, "nonce": nonce or str(uuid4()), **at}


def scan(world: World, host: Person, event: dict[str, Any], *scans: dict[str, Any]) -> list[str]:
    """What becomes of scans."""
    found = ok(
        world.post(f"{EVENTS}/{event['id']}/check-ins", host, {"scans": list(scans), "device": "Door"})
    )
    assert [one["nonce"] for one in found["data"]] == [one["nonce"] for one in scans]
    return [one["result"] for one in found["data"]]


def guests(world: World, many: int = 1) -> tuple[Person, Person, dict[str, Any], list[dict[str, Any]]]:
    """host, who holds tickets, the event, the tickets."""
    host, amina = world.person(), world.person("Amina")
    event, kind = show(world, host, None, FREE)
    return host, amina, event, order(world, amina, event, kind, many)["tickets"]


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# ---- what tickets show


def test_a_code_is_signed_and_checked_without_a_network(world: World) -> None:
    host, amina, event, (ticket,) = guests(world)
    token = code(world, amina, ticket)
    version, key_id, payload, signature = token.split(".")
    there = ok(world.get(f"{EVENTS}/{event['id']}/guests", host))
    (key,) = there["keys"]
    assert (version, key["id"], key["current"]) == ("T1", key_id, True)
    public = Ed25519PublicKey.from_public_bytes(unb64(key["public_key"]))
    public.verify(unb64(signature), f"T1.{key_id}.{payload}".encode())
    raw = unb64(payload)
    assert (UUID(bytes=raw[:16]), UUID(bytes=raw[16:32])) == (UUID(ticket["id"]), UUID(event["id"]))
    assert int.from_bytes(raw[32:]) == 1
    assert there["tickets"] == [{"id": ticket["id"], "serial": 1, "status": "paid"}]
    assert scan(world, host, event, look(token)) == ["admitted"]


def test_the_picture_shows_the_same(world: World) -> None:
    _, amina, _, (ticket,) = guests(world)
    answer = world.get(f"{TICKETS}/{ticket['id']}/qr.svg", amina)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.headers["cache-control"] == "private, no-store"
    token = code(world, amina, ticket)
    assert answer.content == service.picture(token) != service.picture(token + "x")
    assert answer.content.startswith(b"<?xml") and b"<svg" in answer.content


def test_only_its_holder_shows_a_ticket(world: World) -> None:
    host, _, _, (ticket,) = guests(world)
    for part in ("code", "qr.svg"):
        path = f"{TICKETS}/{ticket['id']}/{part}"
        assert [world.get(path, who).status_code for who in (host, world.person(), None)] == [404, 404, 401]


def test_what_is_not_paid_shows_nothing(town: World, stripe: Fake) -> None:
    host, amina = town.person(), town.person()
    event, kind = show(town, host, 3)
    (ticket,) = order(town, amina, event, kind)["tickets"]
    assert refused(town.get(f"{TICKETS}/{ticket['id']}/code", amina)) == (409, "ticket_not_valid")
    assert scan(town, host, event, look(ticket["code"])) == ["not_valid"]
    assert town.sql("SELECT status, used_at FROM tickets") == [{"status": "reserved", "used_at": None}]


def tampered(token: str) -> list[str]:
    """What others make of a token."""
    version, key_id, payload, signature = token.split(".")
    raw = bytearray(unb64(payload))
    raw[0] ^= 1
    other = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    forged = Ed25519PrivateKey.generate().sign(f"T1.{key_id}.{payload}".encode())
    strange = base64.urlsafe_b64encode(forged).rstrip(b"=").decode()
    return [
        f"{version}.{key_id}.{other}.{signature}",
        f"{version}.{key_id}.{payload}.{strange}",
        f"{version}.00000000.{payload}.{signature}",
        f"{version}.{key_id}.{payload}.{'A' * 86}",
        token[:-4],
        "T1...",
        "x" * 300,
    ]


def test_what_nobody_signed_lets_nobody_in(world: World) -> None:
    host, amina, event, (ticket,) = guests(world)
    made = tampered(code(world, amina, ticket))
    assert scan(world, host, event, *(look(one) for one in made)) == ["unknown"] * len(made)
    assert world.sql("SELECT 1 FROM check_ins") == []


def test_a_ticket_of_another_event_lets_nobody_in(world: World) -> None:
    host, _, event, _ = guests(world)
    _, bilal, _, (ticket,) = guests(world)
    found = scan(world, host, event, look(code(world, bilal, ticket)), look(ticket["code"]))
    assert found == ["unknown", "unknown"]


# ---- keys


def test_private_keys_are_sealed(world: World) -> None:
    _, amina, _, (ticket,) = guests(world)
    code(world, amina, ticket)
    (row,) = world.sql("SELECT id, private_key, public_key FROM admission_keys")
    plain = world.app.sealer.open(row["private_key"], f"admission_keys|private_key|{row['id']}")
    public = Ed25519PrivateKey.from_private_bytes(plain).public_key().public_bytes_raw()
    assert public == row["public_key"]
    assert base64.b64encode(plain).decode() not in row["private_key"]


def test_a_new_key_signs_and_the_old_one_stays_good(world: World) -> None:
    host, amina, event, (first, second) = guests(world, 2)
    older = code(world, amina, first)
    path = "/api/v1/admission-keys"
    assert refused(world.post(path, amina)) == (403, "forbidden")
    found = ok(world.post(path, world.person(role="admin")))["data"]
    assert [one["current"] for one in found] == [True, False]
    newer = code(world, amina, second)
    assert older.split(".")[1] != newer.split(".")[1] == found[0]["id"]
    assert scan(world, host, event, look(older), look(newer)) == ["admitted"] * 2


def test_private_keys_follow_the_key_of_the_server(world: World, tmp_path: Any) -> None:
    host, amina, event, (ticket,) = guests(world)
    token = code(world, amina, ticket)
    (before,) = world.sql("SELECT private_key FROM admission_keys")
    newest = "another-secret-key-for-tests-0123456789"
    both = f"{newest},{world.app.settings.secret_key}"
    world.app.sealer = sealer(settings_for(tmp_path, world.url, secret_key=both))
    world.go(handlers.reseal(world.app))
    (after,) = world.sql("SELECT private_key FROM admission_keys")
    assert after != before
    world.app.sealer = sealer(settings_for(tmp_path, world.url, secret_key=newest))
    assert code(world, amina, ticket) == token  # the same key signs the same
    assert scan(world, host, event, look(token)) == ["admitted"]


# ---- at the door


def test_a_ticket_lets_one_in_and_the_same_look_counts_once(world: World) -> None:
    host, amina, event, (ticket,) = guests(world)
    first = look(code(world, amina, ticket))
    assert scan(world, host, event, first) == ["admitted"]
    assert scan(world, host, event, first) == ["admitted"]  # the answer was lost, and it asks again
    assert scan(world, host, event, look(first["code"])) == ["already_used"]
    assert scan(world, host, event, look(ticket["code"].lower())) == ["already_used"]
    (row,) = world.sql("SELECT status, used_at FROM tickets")
    assert row["status"] == "used" and row["used_at"] is not None
    assert ok(world.get(f"{EVENTS}/{event['id']}/attendance", host)) == {"admitted": 1, "expected": 1}
    assert code(world, amina, ticket) == first["code"]


def test_a_nonce_stands_for_one_look(world: World) -> None:
    host, _, event, (first, second) = guests(world, 2)
    nonce = str(uuid4())
    assert scan(world, host, event, look(first["code"], nonce=nonce)) == ["admitted"]
    path = f"{EVENTS}/{event['id']}/check-ins"
    again = world.post(path, host, {"scans": [look(second["code"], nonce=nonce)]})
    assert refused(again) == (400, "nonce_taken")
    twice = {"scans": [look(second["code"], nonce="a" * 8), look(first["code"], nonce="a" * 8)]}
    assert refused(world.post(path, host, twice)) == (400, "nonce_taken")
    assert [row["status"] for row in world.sql("SELECT status FROM tickets ORDER BY id")] == ["used", "paid"]


def test_without_a_network_the_first_by_time_came_in(world: World) -> None:
    """Two scanners were offline and let the same ticket in; the one that was later is heard of first."""
    host, amina, event, (ticket, other) = guests(world, 2)
    token = code(world, amina, ticket)
    late, early = look(token, -10), look(token, -30)
    assert scan(world, host, event, late, look(other["code"], -20)) == ["admitted", "admitted"]
    assert scan(world, host, event, early) == ["admitted"]
    assert scan(world, host, event, late, early) == ["already_used", "admitted"]
    assert scan(world, host, event, look(token, -20)) == ["already_used"]
    (row,) = world.sql("SELECT used_at FROM tickets WHERE id = $1", UUID(ticket["id"]))
    assert row["used_at"] == datetime.fromisoformat(early["scanned_at"])
    assert ok(world.get(f"{EVENTS}/{event['id']}/attendance", host))["admitted"] == 2
    assert [
        row["n"] for row in world.sql("SELECT count(*) AS n FROM check_ins GROUP BY result ORDER BY 1")
    ] == [2, 2]


def test_in_one_batch_the_first_by_time_came_in(world: World) -> None:
    host, _, event, (ticket,) = guests(world)
    scans = [look(ticket["code"], minutes) for minutes in (-5, -15, -10)]
    assert scan(world, host, event, *scans) == ["already_used", "admitted", "already_used"]


def test_a_clock_that_is_fast_does_not_look_into_the_future(world: World) -> None:
    host, _, event, (ticket,) = guests(world)
    assert scan(world, host, event, look(ticket["code"], 600)) == ["admitted"]
    (row,) = world.sql("SELECT used_at FROM tickets")
    assert row["used_at"] <= clock.now()


def test_what_the_one_before_shows_lets_nobody_in(world: World) -> None:
    host, amina, event, (ticket,) = guests(world)
    older, words = code(world, amina, ticket), ticket["code"]
    bilal = world.person()
    offered = ok(world.post(f"{TICKETS}/{ticket['id']}/transfer", amina, {"user_id": str(bilal.id)}))
    ok(world.post(f"/api/v1/ticket-transfers/{offered['id']}/accept", bilal))
    assert scan(world, host, event, look(older), look(words)) == ["not_valid", "unknown"]
    assert scan(world, host, event, look(code(world, bilal, ticket))) == ["admitted"]
    (listed,) = ok(world.get(f"{EVENTS}/{event['id']}/guests", host))["tickets"]
    assert (listed["serial"], listed["status"]) == (2, "used")


def test_a_refunded_ticket_lets_nobody_in(town: World, stripe: Fake) -> None:
    host, amina = town.person(), town.person()
    event, kind = show(town, host, None)
    (ticket,) = bought(town, stripe, amina, event, kind)["tickets"]
    token = code(town, amina, ticket)
    ok(town.delete(f"{TICKETS}/{ticket['id']}", amina))
    assert scan(town, host, event, look(token)) == ["not_valid"]
    assert ok(town.get(f"{EVENTS}/{event['id']}/guests", host))["tickets"] == []


def test_only_the_host_lets_people_in_and_knows_who_came(world: World) -> None:
    host, amina, event, (ticket,) = guests(world)
    base = f"{EVENTS}/{event['id']}"
    blocked = world.person()
    block(world, host, blocked)
    for who, expected in (
        (amina, (403, "not_host")),
        (blocked, (404, "not_found")),
        (None, (401, "unauthenticated")),
    ):
        for part in ("guests", "check-ins", "attendance"):
            assert refused(world.get(f"{base}/{part}", who)) == expected
        assert refused(world.post(f"{base}/check-ins", who, {"scans": [look(ticket["code"])]})) == expected
    scan(world, host, event, look(ticket["code"]))
    (came,) = ok(world.get(f"{base}/check-ins", host))["data"]
    assert (came["holder"]["first_name"], came["ticket"]["id"], came["device"]) == (
        "Amina",
        ticket["id"],
        "Door",
    )


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "scans"),
        ({"scans": []}, "scans"),
        ({"scans": [{"code": "x"}]}, "scans[0].nonce"),
        ({"scans": [{"code": "x", "nonce": "short"}]}, "scans[0].nonce"),
        ({"scans": [{"code": "", "nonce": "longer-than-8"}]}, "scans[0].code"),
        (
            {"scans": [{"code": "x", "nonce": "longer-than-8", "scanned_at": "2026-01-01T00:00:00"}]},
            "scans[0].scanned_at",
        ),
    ],
)
def test_bad_scans_are_named(world: World, body: dict[str, Any], field: str) -> None:
    host, _, event, _ = guests(world)
    assert faults(world.post(f"{EVENTS}/{event['id']}/check-ins", host, body)) == {field}


def test_lists_and_batches_take_the_same_number_of_queries(world: World) -> None:
    host, _, event, made = guests(world, 9)
    path = f"{EVENTS}/{event['id']}/check-ins"
    scan(world, host, event, look(made.pop()["code"]))  # the connection learns the types
    with counted(world) as few:
        scan(world, host, event, look(made[0]["code"]))
    with counted(world) as many:
        scan(world, host, event, *(look(code) for code in (ticket["code"] for ticket in made[1:])))
    assert len(few) == len(many)
    first = ok(world.get(f"{path}?limit=6", host))
    second = ok(world.get(f"{path}?limit=6&cursor={first['next_cursor']}", host))
    third = ok(world.get(f"{path}?offset=7", host))
    assert len({one["id"] for part in (first, second) for one in part["data"]}) == 9
    assert (second["next_cursor"], third["total"], len(third["data"])) == (None, 9, 2)
    with counted(world) as few:
        world.get(f"{path}?limit=1", host)
    with counted(world) as many:
        world.get(path, host)
    assert len(few) == len(many)


def test_a_long_guest_list_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _, event, made = guests(world, 5)
    monkeypatch.setattr(service, "GUESTS", 3)
    path = f"{EVENTS}/{event['id']}/guests"
    first = ok(world.get(path, host))
    second = ok(world.get(f"{path}?cursor={first['next_cursor']}", host))
    found = [one["id"] for part in (first, second) for one in part["tickets"]]
    assert (sorted(found), second["next_cursor"]) == (sorted(one["id"] for one in made), None)


# ---- at once

TICKET_ROW = "SELECT 1 FROM tickets FOR UPDATE"
DOORS = 6


def at_every_door(
    world: World, shown: str, host: Person, event: dict[str, Any], nonce: str | None = None
) -> list[str]:
    """The same ticket at several doors at once."""

    def door() -> Any:
        body = ScansBody([Scan(code=shown, nonce=nonce or str(uuid4()))])

        async def see() -> str:
            async with world.app.db.tx() as tx:
                return (await service.check_in(tx, host.me, UUID(event["id"]), body))[0].result

        return see

    found = together(world, TICKET_ROW, [], [door() for _ in range(DOORS)])
    return sorted(one if isinstance(one, str) else type(one).__name__ for one in found)


def test_a_ticket_at_every_door_at_once_lets_one_in(clone: World) -> None:
    host, amina, event, (ticket,) = guests(clone)
    token = code(clone, amina, ticket)
    assert at_every_door(clone, token, host, event) == ["admitted"] + ["already_used"] * (DOORS - 1)
    assert clone.sql("SELECT count(*) AS n FROM check_ins") == [{"n": DOORS}]


def test_the_same_look_sent_at_once_is_one(clone: World) -> None:
    host, amina, event, (ticket,) = guests(clone)
    token = code(clone, amina, ticket)
    assert at_every_door(clone, token, host, event, "the-same-nonce") == ["admitted"] * DOORS
    assert clone.sql("SELECT count(*) AS n FROM check_ins") == [{"n": 1}]


def unheld(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doors look at tickets without holding them, and wait only to write."""
    loose = tickets.HOLD_SOME.sql.replace("ORDER BY t.id FOR NO KEY UPDATE OF t", "")
    monkeypatch.setattr(tickets, "HOLD_SOME", Query(tickets.HOLD_SOME.row, loose))


def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans are written as if nobody else wrote any."""
    loose = store.ADD.replace("ON CONFLICT (post_id, nonce) DO NOTHING", "")
    assert loose != store.ADD
    monkeypatch.setattr(store, "ADD", loose)


def one_nonce_for_two(world: World) -> list[Any]:
    """Two doors see different tickets at once, and both call what they saw the same."""
    host, amina, event, made = guests(world, 2)
    shown = [code(world, amina, ticket) for ticket in made]

    def door(token: str) -> Any:
        async def see() -> Any:
            body = ScansBody([Scan(code=token, nonce="the-same-nonce")])
            async with world.app.db.tx() as tx:
                return await service.check_in(tx, host.me, UUID(event["id"]), body)

        return see

    found = together(world, TICKET_ROW, [], [door(token) for token in shown])
    assert world.sql("SELECT count(*)::int AS n FROM check_ins") == [{"n": 1}]
    assert world.sql("SELECT count(*)::int AS n FROM tickets WHERE status = 'used'") == [{"n": 1}]
    return found


def test_a_nonce_stands_for_one_of_two_looks_at_once(clone: World) -> None:
    found = one_nonce_for_two(clone)
    assert outcomes(found) == {"list": 1, "Malformed": 1}
    assert [one.code for one in found if isinstance(one, Malformed)] == ["nonce_taken"]


def test_control_who_does_not_look_while_writing_fails(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    unguarded(monkeypatch)
    assert outcomes(one_nonce_for_two(clone)) == {"list": 1, "UniqueViolationError": 1}


def test_control_without_holding_the_ticket_it_lets_everybody_in(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, amina, event, (ticket,) = guests(clone)
    token = code(clone, amina, ticket)
    clone.sql("DROP INDEX check_ins_admitted")
    unheld(monkeypatch)
    assert at_every_door(clone, token, host, event) == ["admitted"] * DOORS


def test_control_without_holding_the_ticket_the_same_look_counts_often(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, amina, event, (ticket,) = guests(clone)
    token = code(clone, amina, ticket)
    clone.sql("DROP INDEX check_ins_admitted")
    clone.sql("ALTER TABLE check_ins DROP CONSTRAINT check_ins_nonce")
    unguarded(monkeypatch)
    unheld(monkeypatch)
    at_every_door(clone, token, host, event, "the-same-nonce")
    assert clone.sql("SELECT count(*) AS n FROM check_ins") == [{"n": DOORS}]


def test_the_index_lets_one_in_when_the_program_forgets(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, amina, event, (ticket,) = guests(clone)
    token = code(clone, amina, ticket)
    unheld(monkeypatch)
    found = at_every_door(clone, token, host, event)
    assert found == [asyncpg.UniqueViolationError.__name__] * (DOORS - 1) + ["admitted"]


def test_several_who_want_the_first_key_at_once_make_one(clone: World) -> None:
    _, amina, _, made = guests(clone, 4)

    def asking(ticket: dict[str, Any]) -> Any:
        async def ask() -> str:
            async with clone.app.db.tx() as tx:
                return (await service.code(clone.app, tx, amina.me, UUID(ticket["id"]))).key_id

        return ask

    holding = "LOCK TABLE admission_keys IN SHARE ROW EXCLUSIVE MODE"
    found = together(clone, holding, [], [asking(ticket) for ticket in made])
    assert len(set(found)) == 1
    assert clone.sql("SELECT count(*) AS n FROM admission_keys") == [{"n": 1}]
