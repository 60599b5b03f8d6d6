"""Packets of Socket.IO (protocol 5), as text inside of messages of engine.io. Ours hold no binary attachments."""

from typing import Any, NamedTuple

import msgspec

from majlis.surfaces.realtime.frames import UNREADABLE, encode

CONNECT, LEAVE, EVENT, ACK = "0", "1", "2", "3"
DISCONNECT = b"1"
MOST_DIGITS = 15  # of the number of an acknowledgement
_EVENT = msgspec.json.Decoder(list[msgspec.Raw])
_NAME = msgspec.json.Decoder(str)


class Bad(Exception):
    """What came is no packet, or one of a kind that nobody sends here."""


class Packet(NamedTuple):
    """A packet of a client. `ack` is the number under which it waits for an answer; `data` is JSON, or empty."""

    kind: str
    namespace: str
    ack: str
    data: str


def decode(text: str) -> Packet:
    """Raises Bad."""
    kind, rest = text[:1], text[1:]
    if kind not in (CONNECT, LEAVE, EVENT, ACK):
        raise Bad(f"There is no use for packets of type {kind!r}.")
    namespace = "/"
    if rest.startswith("/"):
        namespace, _, rest = rest.partition(",")
        namespace = namespace.partition("?")[0]
    digits = len(rest) - len(rest.lstrip("0123456789"))
    if digits > MOST_DIGITS:
        raise Bad("The number of the acknowledgement is too long.")
    return Packet(kind, namespace, rest[:digits], rest[digits:])


def called(packet: Packet) -> tuple[str, msgspec.Raw]:
    """The name of an event and what comes with it, the first of it where that is several. Raises Bad."""
    try:
        name, *values = _EVENT.decode(packet.data)
        return _NAME.decode(name), values[0] if values else msgspec.Raw(b"{}")
    except (*UNREADABLE, ValueError) as error:
        raise Bad(str(error)) from error


def connected(sid: str) -> bytes:
    """The client is in."""
    return b"0" + encode({"sid": sid})


def refused(message: str, data: Any = None, namespace: str = "/") -> bytes:
    """The client may not come in."""
    found = {"message": message} | ({} if data is None else {"data": data})
    place = b"" if namespace == "/" else namespace.encode() + b","
    return b"4" + place + encode(found)


def event(name: str, data: bytes) -> bytes:
    """An event for a client, with one value, as JSON."""
    return b"2[" + encode(name) + b"," + data + b"]"


def ack(number: str, data: bytes) -> bytes:
    """What a client waits for, under the number that it gave; nothing is an answer, too."""
    return b"3" + number.encode() + b"[" + data + b"]"
