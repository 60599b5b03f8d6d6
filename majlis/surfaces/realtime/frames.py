"""Frames of /api/v1/ws: contracts/realtime.md has their meaning."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.conversations.model import Event
from majlis.kit import clock, links
from majlis.kit.errors import Refused

PROTOCOL = "majlis.v1"
MAX_FRAME, MAX_EVENT = 64 * 1024, 256 * 1024  # bytes that come and go at once
AUTH_S, PING_S = 5, 25

CODES = frozenset(
    {
        "bad_frame", "unknown_type", "unauthenticated", "token_expired", "not_a_member", "forbidden",
        "read_only_channel", "channel_archived", "not_found", "message_too_long", "too_many_files", "empty_message",
        "client_msg_id_required", "client_msg_id_reused", "rate_limited", "too_many_streams", "blocked_by_user",
        "edit_window_closed", "internal",
    }
)  # fmt: skip
BY_STATUS = {401: "unauthenticated", 403: "forbidden", 404: "not_found", 429: "rate_limited", 503: "internal"}

Id = Annotated[str, Meta(max_length=100)]
Stream = Annotated[str, Meta(max_length=50)]
Seq = Annotated[int, Meta(ge=0, le=2**53)]


class Frame(msgspec.Struct, kw_only=True):
    """What every frame of a client may have."""

    id: Id | None = None


class Opening(Frame, kw_only=True):
    """Of which kind a frame is."""

    t: Annotated[str, Meta(max_length=50)]


class Auth(Frame, kw_only=True):
    """The first frame."""

    token: Annotated[str, Meta(max_length=4096)]
    device_id: Annotated[str, Meta(max_length=200)] | None = None
    client: Annotated[str, Meta(max_length=200)] = ""


class Reauth(Frame, kw_only=True):
    """A fresh token of the same person."""

    token: Annotated[str, Meta(max_length=4096)]


class After(msgspec.Struct):
    """Where somebody stands in a stream; nowhere means from now on."""

    after_seq: Seq | None = None


class Subscribe(Frame, kw_only=True):
    """Streams to follow; `joined` means all that the caller has."""

    streams: dict[Stream, After] = {}
    joined: bool = False


class Unsubscribe(Frame, kw_only=True):
    """Streams to follow no more."""

    streams: list[Stream]


class Send(Frame, kw_only=True):
    """A message. What `message` holds beyond the common fields depends on its type."""

    stream: Stream
    client_msg_id: Annotated[str, Meta(max_length=100)] = ""
    message: dict[str, msgspec.Raw]


class Mark(Frame, kw_only=True):
    """A place up to which something is read, or from which it is not."""

    stream: Stream
    seq: Seq


class Typing(Frame, kw_only=True):
    """Somebody writes."""

    stream: Stream
    thread_root_id: UUID | None = None


class State(Frame, kw_only=True):
    """Whether somebody looks at it."""

    state: Literal["active", "idle"]


class Watch(Frame, kw_only=True):
    """Whose presence to hear of, instead of those before."""

    user_ids: Annotated[list[UUID], Meta(max_length=200)]


class Ack(Frame, kw_only=True):
    """Up to where streams have arrived."""

    streams: Annotated[dict[Stream, Seq], Meta(max_length=1000)]


class Ping(Frame, kw_only=True):
    """Are you there?"""


KINDS: dict[str, type[Frame]] = {
    "auth": Auth,
    "reauth": Reauth,
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "send": Send,
    "mark_read": Mark,
    "mark_unread": Mark,
    "typing": Typing,
    "presence": State,
    "watch_presence": Watch,
    "ack": Ack,
    "ping": Ping,
}
OPENING = msgspec.json.Decoder(Opening)
DECODERS = {name: msgspec.json.Decoder(kind) for name, kind in KINDS.items()}
encode = msgspec.json.Encoder().encode
# What decoders raise; the second where what is skipped is nested too deeply.
UNREADABLE = (msgspec.MsgspecError, RecursionError)


class _EventFrame(msgspec.Struct):
    t: str
    stream: str
    seq: int
    type: str
    at: datetime
    data: Any


class _Truncated(_EventFrame):
    truncated: bool


class Shared:
    """An event on its way to several sockets, encoded once for all that get it in the same form."""

    __slots__ = ("_packet", "_wire", "event")

    def __init__(self, event: Event) -> None:
        self.event = event
        self._wire: bytes | None = None
        self._packet: bytes | None = None

    @property
    def wire(self) -> bytes:
        """The frame of /api/v1/ws. What is too large has to be fetched by its id."""
        if self._wire is None:
            event = self.event
            fields = ("event", event.stream, event.seq, event.type, event.at)
            self._wire = links.signed(encode(_EventFrame(*fields, event.data)))
            if len(self._wire) > MAX_EVENT:
                self._wire = encode(_Truncated(*fields, _named(event), True))
        return self._wire

    @property
    def packet(self) -> bytes:
        """The same as an event of Socket.IO."""
        if self._packet is None:
            self._packet = b'2["event",' + self.wire + b"]"
        return self._packet


class _Identified(msgspec.Struct):
    id: UUID


class _OfMessage(msgspec.Struct):
    message: _Identified


def _named(event: Event) -> Any:
    try:
        return msgspec.json.decode(event.data, type=_OfMessage)
    except msgspec.MsgspecError:
        return {}


def error(code: str, message: str, id: str | None = None, *, fatal: bool = False, wait_ms: int = 0) -> bytes:
    """Why a frame was refused."""
    found: dict[str, Any] = {"t": "error", "id": id, "code": code, "message": message, "fatal": fatal}
    return encode(found | ({"retry_after_ms": wait_ms} if wait_ms else {}))


def refusal(refused: Refused, id: str | None) -> bytes:
    """The same of what a service refused, under a code that clients know."""
    code = refused.code if refused.code in CODES else BY_STATUS.get(refused.status, "bad_frame")
    wait = refused.headers.get("Retry-After", "0")
    return error(code, refused.detail, id, wait_ms=int(wait) * 1000)


def closing(code: int, reason: str, wait_ms: int = 0) -> bytes:
    """The last frame."""
    resume = code not in (4401, 4403, 4409)
    found: dict[str, Any] = {"t": "closing", "code": code, "reason": reason, "resume": resume}
    return encode(found | ({"retry_after_ms": wait_ms} if wait_ms else {}))


def ephemeral(type: str, data: Mapping[str, Any], stream: str | None = None) -> bytes:
    """What nobody stores."""
    return encode({"t": "eph", **({"stream": stream} if stream else {}), "type": type, "data": data})


def hello() -> bytes:
    """The first frame of the server."""
    return encode(
        {
            "t": "hello", "protocol": 1, "auth_timeout_s": AUTH_S, "ping_interval_s": PING_S,
            "max_frame_bytes": MAX_FRAME, "server_time": clock.now(),
        }
    )  # fmt: skip
