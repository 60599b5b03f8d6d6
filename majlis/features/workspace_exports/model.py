"""Nouns of exports of workspaces, and the layout of Slack's zips."""

import re
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import Conflict

Scope = Literal["public", "all"]
State = Literal["queued", "running", "done", "failed"]
Moment = Annotated[datetime, Meta(tz=True)]


class WorkspaceExport(msgspec.Struct):
    """A zip of what was said in a workspace, which is deleted at `expires_at`. `size` is in bytes."""

    id: UUID
    status: State
    scope: Scope
    size: int | None
    requested_by: UUID | None
    created_at: datetime
    expires_at: datetime | None


class ExportAsk(msgspec.Struct, kw_only=True):
    """What goes into a zip: public channels, or all with private ones and direct messages; said from when to when."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "status", "size", "requested_by", "expires_at"})

    scope: Scope = "public"
    since: Moment | None = msgspec.field(default=None, name="from")
    before: Moment | None = msgspec.field(default=None, name="to")
    include_files: bool = False


class FileQuery(msgspec.Struct, kw_only=True):
    """What makes a link good: until when, in seconds since 1970, and that the server said so."""

    expires: Annotated[int, Meta(ge=0, le=2**53)]
    signature: Annotated[str, Meta(max_length=100)]


class Notice(msgspec.Struct, frozen=True):
    """Members of a workspace behind somebody, who are to hear of an export."""

    export_id: UUID
    behind: UUID


class UnderWay(Conflict):
    """One export of a workspace at a time."""

    code, detail = "export_under_way", "This workspace is being exported already."


class NotReady(Conflict):
    """There is nothing to fetch yet."""

    code, detail = "export_not_ready", "The export is not ready yet."


# ---- Slack's layout


class Speaker(msgspec.Struct):
    """Somebody who belongs or belonged to a workspace."""

    id: UUID
    username: str | None
    name: str | None
    title: str | None
    role: str | None
    avatar: str | None
    gone: bool


class Room(msgspec.Struct):
    """A channel, or a conversation of a few people, which has no name."""

    id: UUID
    name: str | None
    direct: str | None
    is_private: bool
    is_default: bool
    archived: bool
    topic: str | None
    purpose: str | None
    created_by: UUID | None
    created_at: datetime
    members: list[UUID]


class Line(msgspec.Struct):
    """A message, and what is said of it. `deleted` is a root that is gone while replies are there."""

    id: UUID
    seq: int
    ts_us: int
    sender_id: UUID
    type: str
    text: str
    files: msgspec.Raw
    data: msgspec.Raw | None
    client_msg_id: str
    edited_at: datetime | None
    created_at: datetime
    deleted: bool
    root_us: int | None
    root_by: UUID | None
    reply_count: int
    latest_us: int | None
    reactions: msgspec.Raw
    pinned: bool


_UNFIT = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]|\A\.+|\.+\Z')


def folder_of(room: Room) -> str:
    """The folder of a room: its name as far as every machine takes it as one, else also its id."""
    if room.name is None:
        return str(room.id)
    fit = _UNFIT.sub("_", room.name)
    return fit if fit == room.name else f"{fit}-{room.id}"


def file_path(one: dict[str, Any], place: str) -> str:
    """Where a file lies in the zip: by its id and name, or by the place of an upload for everybody."""
    name = _UNFIT.sub("_", str(one.get("name") or "file"))
    return f"files/{one['id']}/{name}" if one.get("id") else f"files/{place}"


def stamp(us: int) -> str:
    """A moment as Slack writes it."""
    seconds, rest = divmod(us, 1_000_000)
    return f"{seconds}.{rest:06}"


def user_of(one: Speaker, team: UUID) -> dict[str, Any]:
    """An entry of users.json."""
    name = one.name or one.username or ""
    return {
        "id": one.id,
        "team_id": team,
        "name": one.username or str(one.id),
        "deleted": one.gone or one.role is None,
        "real_name": name,
        "profile": {
            "real_name": name,
            "display_name": name,
            "title": one.title or "",
            "image_original": one.avatar,
        },
        "is_owner": one.role == "owner",
        "is_admin": one.role in ("owner", "admin"),
        "is_restricted": one.role == "guest",
        "is_bot": False,
    }


def bot_of(bot_id: UUID, team: UUID) -> dict[str, Any]:
    """The entry of what speaks where no human does."""
    name = {"real_name": "bot", "display_name": "bot"}
    return {"id": bot_id, "team_id": team, "name": "bot", "deleted": False, "profile": name, "is_bot": True}


def room_of(room: Room) -> dict[str, Any]:
    """An entry of channels.json, groups.json, dms.json or mpims.json."""
    made = int(room.created_at.timestamp())
    if room.direct == "dm":
        return {"id": room.id, "created": made, "members": room.members}
    by = room.created_by or ""
    return {
        "id": room.id,
        "name": room.name or str(room.id),
        "created": made,
        "creator": by,
        "is_archived": room.archived,
        "is_general": room.is_default,
        "members": room.members,
        "topic": {"value": room.topic or "", "creator": "", "last_set": 0},
        "purpose": {"value": room.purpose or "", "creator": by, "last_set": made},
    }


def message_of(line: Line, room_id: UUID) -> dict[str, Any]:
    """An entry of a day."""
    thread = line.root_us or (line.ts_us if line.reply_count else None)
    found: dict[str, Any] = {"type": "message", "user": line.sender_id, "ts": stamp(line.ts_us)}
    if thread is not None:
        found["thread_ts"] = stamp(thread)
    if line.root_by is not None:
        found["parent_user_id"] = line.root_by
    if line.latest_us is not None:
        found |= {"reply_count": line.reply_count, "latest_reply": stamp(line.latest_us)}
    if line.deleted:
        return found | {"subtype": "tombstone", "text": "This message was deleted.", "hidden": True}
    found |= {"client_msg_id": line.client_msg_id, "text": _escaped(line.text)} | _kind(line)
    if line.edited_at is not None:
        found["edited"] = {"user": line.sender_id, "ts": stamp(int(line.edited_at.timestamp() * 1_000_000))}
    if line.pinned:
        found["pinned_to"] = [room_id]
    if files := msgspec.json.decode(line.files):
        found["files"] = [_file(one) for one in files]
    if reactions := msgspec.json.decode(line.reactions):
        found["reactions"] = reactions
    return found


def _kind(line: Line) -> dict[str, Any]:
    """What kind of message it is, and its blocks."""
    data = {} if line.data is None else msgspec.json.decode(line.data)
    found: dict[str, Any] = {}
    if line.type == "system":
        found["subtype"] = "system"
    elif data.get("also_in_channel"):
        found["subtype"] = "thread_broadcast"
    if isinstance(bot := data.get("bot"), dict):
        icons = {"emoji": bot.get("icon_emoji"), "image_48": bot.get("icon_url")}
        found |= {"subtype": "bot_message", "bot_id": bot.get("webhook_id"), "username": bot.get("name")}
        found["icons"] = {name: value for name, value in icons.items() if value}
    if blocks := data.get("blocks"):
        found["blocks"] = blocks
    return found


def _file(one: dict[str, Any]) -> dict[str, Any]:
    """A file of a message; it lies under `files/` with its id, if files are in the zip."""
    if one.get("deleted_at"):
        return {"id": one.get("id"), "mode": "tombstone"}
    return {
        "id": one.get("id") or one.get("url"),
        "name": one.get("name"),
        "title": one.get("name"),
        "mimetype": one.get("mime_type"),
        "size": one.get("size"),
        "original_w": one.get("width"),
        "original_h": one.get("height"),
        "url_private": one.get("url"),
    }


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
