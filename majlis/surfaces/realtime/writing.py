"""Writing over a socket: the same rules that requests obey, and messages as their protocol has them."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.conversations import service as conversations
from majlis.features.discussions import service as discussions
from majlis.features.messages import service as messages
from majlis.features.messages.model import MAX_FILES, MAX_TEXT, Sending, Sent, TooLong, TooManyFiles
from majlis.features.sessions.model import Unconfirmed
from majlis.kit import limits, telemetry
from majlis.kit.db import Tx
from majlis.kit.me import Me
from majlis.surfaces.realtime.frames import encode

FIELDS = ("type", "text", "thread_root_id", "file_ids", "data")
_SENDING = msgspec.json.Decoder(Sending)


async def spend(app: App, me: Me) -> None:
    """Count a message against the limit of requests (rule 61). Raises RateLimited, Unconfirmed."""
    if app.settings.require_verified_email and not me.verified:
        raise Unconfirmed()
    if app.limiter.enabled:
        verdict = await app.limiter.hit(limits.API, str(me.user()))
        if not verdict.allowed:
            telemetry.limited.labels(limits.API.name).inc()
            raise app.limiter.refuse(verdict)


async def say(tx: Tx, me: Me, conversation_id: UUID, body: Sending) -> Sent:
    """Send where it belongs: what is said in a channel obeys the channel. Raises what the services raise."""
    place = await conversations.place(tx, me, conversation_id, unmet=True)
    if place.kind == "channel":
        return await discussions.say(tx, me, conversation_id, body)
    return await messages.send(tx, me, conversation_id, body, at=place)


def sending(key: str, message: Mapping[str, msgspec.Raw]) -> Sending:
    """A message from its frame: what is beyond the common fields is data of its type.

    Raises TooLong, TooManyFiles, ValidationError.
    """
    rest = dict(message)
    body = {name: rest.pop(name) for name in FIELDS if name in rest}
    file = rest.get("file_id")
    if file is not None and "file_ids" not in body:
        body["file_ids"] = msgspec.Raw(b"[" + bytes(file) + b"]")
    data = body.pop("data", None) or (msgspec.Raw(encode(rest)) if rest else None)
    if len(msgspec.json.decode(body.get("text", b'""'), type=str)) > MAX_TEXT:
        raise TooLong()
    if len(msgspec.json.decode(body.get("file_ids", b"[]"), type=list[str])) > MAX_FILES:
        raise TooManyFiles()
    found = _SENDING.decode(encode({**body, "client_msg_id": key}))
    # Beside it, as no decoder reads Raw where null may stand, too.
    return msgspec.structs.replace(found, data=None if data == b"null" else data)
