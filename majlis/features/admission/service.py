"""Verbs of admission: sign what tickets show, check it, let people in once, tell who came."""

import io
import re
import struct
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import segno
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from majlis.app import App
from majlis.features.admission import store
from majlis.features.admission.model import (
    AdmissionKey,
    AlreadyUsed,
    Attendance,
    CheckIn,
    Expected,
    GuestList,
    NotValid,
    Result,
    Scan,
    Scanned,
    ScansBody,
    TicketCode,
)
from majlis.features.boxoffice import service as boxoffice
from majlis.features.graph import service as graph
from majlis.features.stewards import service as stewards
from majlis.features.tickets import service as tickets
from majlis.features.tickets.model import Row, Ticket, TicketNotValid
from majlis.kit import clock, crypto, ids, page, paged
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Conflict, Malformed, NotFound
from majlis.kit.me import Me

TOKEN = re.compile(r"T1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{48})\.([A-Za-z0-9_-]{86})")
PAYLOAD = struct.Struct(">16s16sI")  # ticket, event, serial number
AHEAD = timedelta(minutes=5)  # by which the clock of a scanner may be fast
TRIES = 5  # of making the first key, when several want it at once
BY_SCAN = paged.Order(("scanned_at", "id"), tuple[datetime, UUID])
GUESTS = 1000  # tickets of a list for scanners at a time
Keys = dict[str, Ed25519PublicKey]


class Shown(NamedTuple):
    """What a good token says."""

    ticket_id: UUID
    post_id: UUID
    serial: int


# ---- keys


def _place(key_id: str) -> str:
    return store.SEALED.place(key_id)


async def _add_key(app: App, tx: Tx) -> str | None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_id = crypto.digest(crypto.b64(public)).hex()[:8]
    sealed = app.sealer.seal(key.private_bytes_raw(), _place(key_id))
    return await tx.one(store.ADD_KEY, key_id, sealed, public, clock.now())


async def rotate(app: App, tx: Tx, me: Me) -> list[AdmissionKey]:
    """Sign with a new key from now on; what older ones signed stays good. For operators."""
    me.require_role("admin")
    await tx.run(store.RETIRE)
    if await _add_key(app, tx) is None:
        raise Conflict("The key was changed at the same moment.", code="try_again")
    return await keys(tx, me)


async def keys(tx: Reader, me: Me) -> list[AdmissionKey]:
    """What signatures are checked with, the newest first. No secret."""
    rows = await tx.all(store.KEYS)
    return [AdmissionKey(row.id, crypto.b64(row.public_key), row.current, row.created_at) for row in rows]


async def _current(app: App, tx: Tx) -> tuple[str, Ed25519PrivateKey]:
    for _ in range(TRIES):
        row = await tx.one(store.CURRENT)
        if row is not None:
            plain = app.sealer.open(row.private_key, _place(row.id))
            return row.id, Ed25519PrivateKey.from_private_bytes(plain)
        await _add_key(app, tx)
    raise RuntimeError("no key can be made to sign tickets with")


# ---- what tickets show


async def code(app: App, tx: Tx, me: Me, ticket_id: UUID) -> TicketCode:
    """What the caller's ticket shows at the door. Raises NotFound, TicketNotValid."""
    ticket, serial = await tickets.held(tx, me, ticket_id)
    if ticket.status not in ("paid", "used"):
        raise TicketNotValid()
    key_id, key = await _current(app, tx)
    return TicketCode(sign(key_id, key, Shown(ticket.id, ticket.post_id, serial)), key_id)


def sign(key_id: str, key: Ed25519PrivateKey, shown: Shown) -> str:
    """`T1.<key id>.<ticket, event, serial number>.<signature>`, in URL-safe base64."""
    payload = PAYLOAD.pack(shown.ticket_id.bytes, shown.post_id.bytes, shown.serial)
    signed = f"T1.{key_id}.{crypto.b64(payload)}"
    return f"{signed}.{crypto.b64(key.sign(signed.encode()))}"


def read(token: str, known: Keys) -> Shown | None:
    """What a token says, or None when no known key signed it."""
    found = TOKEN.fullmatch(token)
    if found is None or found[1] not in known:
        return None
    try:
        known[found[1]].verify(crypto.unb64(found[3]), token.rpartition(".")[0].encode())
        ticket, post, serial = PAYLOAD.unpack(crypto.unb64(found[2]))
    except (InvalidSignature, ValueError):
        return None
    return Shown(UUID(bytes=ticket), UUID(bytes=post), serial)


def picture(token: str) -> bytes:
    """A token as a QR code, in SVG."""
    drawn = io.BytesIO()
    segno.make_qr(token, error="m").save(drawn, kind="svg", scale=4, border=4)
    return drawn.getvalue()


# ---- at the door


async def guests(tx: Reader, me: Me, post_id: UUID, cursor: str | None) -> GuestList:
    """What a scanner needs without a network, a thousand tickets at a time; for the host and stewards.

    Raises NotFound, NotHost.
    """
    await stewards.at_door(tx, me, post_id)
    after = UUID(int=0)
    if cursor is not None:
        (after,) = page.decode("guests", cursor, tuple[UUID])
    rows = await tickets.listed(tx, Me.system, post_id, after, GUESTS + 1)
    shown = [Expected(row.id, row.serial, row.status) for row in rows[:GUESTS]]
    following = page.encode("guests", shown[-1].id) if len(rows) > GUESTS else None
    return GuestList(await keys(tx, me), shown, following)


async def check_in(tx: Tx, me: Me, post_id: UUID, body: ScansBody) -> list[Scanned]:
    """Let in whoever these scans show, once for each ticket and nonce; for the host and stewards. In the order of the scans.

    Raises NotFound, NotHost, Malformed when a nonce stands for two scans.
    """
    hosts = await stewards.at_door(tx, me, post_id)
    if len({scan.nonce for scan in body.scans}) < len(body.scans):
        raise Malformed("Each scan has a nonce of its own.", code="nonce_taken")
    meant = await _meant(tx, me, post_id, body.scans)
    rows = await tickets.hold_some(tx, Me.system, post_id, {one.ticket_id for one in meant.values()})
    # Behind the lock: whoever scanned the same ticket a moment ago has finished.
    known = await tx.all(store.KNOWN, post_id, [scan.nonce for scan in body.scans], list(rows))
    desk = Desk(rows, known)
    for scan in sorted(body.scans, key=_when):
        shown = meant.get(scan.nonce)
        if shown is not None and shown.ticket_id in rows:
            desk.see(scan.nonce, shown, _when(scan))
    await desk.write(tx, me, post_id, body.device)
    return [desk.answer(scan.nonce, whole=hosts) for scan in body.scans]


def _when(scan: Scan) -> datetime:
    """When a scan was made; a clock that is fast does not look into the future."""
    now = clock.now()
    return now if scan.scanned_at is None or scan.scanned_at > now + AHEAD else min(scan.scanned_at, now)


async def _meant(tx: Reader, me: Me, post_id: UUID, scans: Sequence[Scan]) -> dict[str, Shown]:
    """Which ticket each scan shows, by nonce. A code in words is the latest there is, so it has no serial number."""
    known = {
        one.id: Ed25519PublicKey.from_public_bytes(crypto.unb64(one.public_key)) for one in await keys(tx, me)
    }
    found, words = {}, {}
    for scan in scans:
        shown = read(scan.code, known)
        if shown is not None and shown.post_id == post_id:
            found[scan.nonce] = shown
        elif not TOKEN.fullmatch(scan.code):
            words[scan.nonce] = scan.code.strip().upper()
    named = await tickets.by_codes(tx, Me.system, post_id, set(words.values()))
    for nonce, word in words.items():
        if word in named:
            found[nonce] = Shown(named[word], post_id, 0)
    return found


def _taken() -> Malformed:
    return Malformed("This nonce stands for another scan.", code="nonce_taken")


class Desk:
    """The tickets that scans show, held, and what becomes of each scan."""

    def __init__(self, rows: dict[UUID, Row], known: Sequence[store.Row]) -> None:
        self.rows = rows
        self.scans = {row.nonce: row for row in known}
        self.admitted = {row.ticket_id: row for row in known if row.result == "admitted"}
        self.new: list[store.Row] = []
        self.second: list[UUID] = []
        self.used: dict[UUID, datetime] = {}

    def see(self, nonce: str, shown: Shown, at: datetime) -> None:
        """One scan. The first by time of those of a ticket let somebody in, whenever it is told of."""
        if nonce in self.scans:
            if self.scans[nonce].ticket_id != shown.ticket_id:
                raise _taken()
            return
        row, first = self.rows[shown.ticket_id], self.admitted.get(shown.ticket_id)
        result: Result = "admitted"
        if row.status not in ("paid", "used") or shown.serial not in (0, row.serial):
            result = "not_valid"
        elif first is not None and at >= first.scanned_at:
            result = "already_used"
        scan = store.Row(ids.new(), shown.ticket_id, nonce, result, None, at)
        if result == "admitted":
            if first is not None:
                self.second.append(first.id)
                first.result = "already_used"
            self.admitted[scan.ticket_id] = scan
            self.used[scan.ticket_id] = row.used_at = at
            row.status = "used"
        self.scans[nonce] = scan
        self.new.append(scan)

    async def write(self, tx: Tx, me: Me, post_id: UUID, device: str | None) -> None:
        """Store what became of the scans."""
        if self.second:
            await tx.run(store.SECOND, self.second)
        if not self.new:
            return
        columns = [
            [getattr(one, name) for one in self.new]
            for name in ("id", "ticket_id", "nonce", "result", "scanned_at")
        ]
        if await tx.run(store.ADD, post_id, device, me.user(), clock.now(), *columns) < len(self.new):
            raise _taken()  # by a scan of another ticket, as those that are seen here are held
        await tickets.use(tx, Me.system, list(self.used.items()))

    def answer(self, nonce: str, *, whole: bool) -> Scanned:
        """What became of a scan, with the whole ticket or its kind alone."""
        scan = self.scans.get(nonce)
        row = None if scan is None else self.rows.get(scan.ticket_id)
        if scan is None or row is None:
            return Scanned(nonce, "unknown", None, None)
        first = self.admitted.get(scan.ticket_id)
        shown = row.shown()
        admitted_at = None if first is None else first.scanned_at
        return Scanned(nonce, scan.result, shown if whole else None, admitted_at, shown.type_name)


async def check_in_one(tx: Tx, me: Me, post_id: UUID, code: str, nonce: str) -> Ticket:
    """Let in whoever shows this code; for the host. Raises NotFound, NotHost, AlreadyUsed, NotValid."""
    await boxoffice.hosted(tx, me, post_id)
    (found,) = await check_in(tx, me, post_id, ScansBody([Scan(code=code, nonce=nonce)]))
    if found.ticket is None:
        raise NotFound("There is no such ticket.", code="ticket_not_found")
    if found.result == "already_used":
        raise AlreadyUsed()
    if found.result == "not_valid":
        raise NotValid()
    return found.ticket


async def came(tx: Reader, me: Me, post_id: UUID, paging: page.Paging) -> page.Page[CheckIn]:
    """Who came to an event, the latest first; for its host. Raises NotFound, NotHost."""
    await boxoffice.hosted(tx, me, post_id)
    lists = (store.CAME, store.CAME_FIRST, store.CAME_TOTAL)
    rows = await paged.rows(tx, "check-ins", lists, post_id, paging, BY_SCAN)
    shown = await tickets.some(tx, Me.system, [row.ticket_id for row in rows.items])
    people = await graph.minis(tx, me, {one.holder_id for one in shown.values() if one.holder_id is not None})
    found = [
        CheckIn(row.id, one, people.get(one.holder_id) if one.holder_id else None, row.device, row.scanned_at)
        for row in rows.items
        if (one := shown.get(row.ticket_id)) is not None
    ]
    return page.Page(found, rows.next, rows.total)


async def attendance(tx: Reader, me: Me, post_id: UUID) -> Attendance:
    """How many came, of how many who may; for the host. Raises NotFound, NotHost."""
    await boxoffice.hosted(tx, me, post_id)
    office = await boxoffice.find(tx, me, post_id)
    return Attendance(await tx.one(store.CAME_TOTAL, post_id) or 0, 0 if office is None else office.sold)
