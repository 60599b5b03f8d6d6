"""Nouns of incoming webhooks, and what is refused."""

import re
from datetime import datetime
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.messages.model import MAX_TEXT
from majlis.kit.errors import Conflict, NotFound, Refused
from majlis.kit.http import binding

MOST = 100  # of a workspace
MAX_BYTES = 256 * 1024  # of a payload
MAX_ATTACHMENTS = 100
MAX_BLOCKS = 50
MAX_DEPTH = 8  # of rich text in itself
Name = Annotated[str, Meta(min_length=1, max_length=80, examples=["Oven watch"])]
Picture = Annotated[str, Meta(max_length=2000, pattern=r"\Ahttps://[^\s/]+(/\S*)?\Z")]


class Webhook(msgspec.Struct):
    """An address to which a program posts what is said in a channel then. It ends with who made it."""

    id: UUID
    workspace_id: UUID
    channel_id: UUID
    display_name: str
    icon_url: str | None
    created_by: UUID
    created_at: datetime


class NewWebhook(Webhook, kw_only=True):
    """The same with its address, which is told once: whoever has it may write."""

    url: str


class WebhookCreate(msgspec.Struct, kw_only=True):
    """Where a webhook speaks, and how it is shown unless a payload says otherwise."""

    not_writable: ClassVar[frozenset[str]] = frozenset(
        {"id", "workspace_id", "created_by", "created_at", "url"}
    )

    channel_id: UUID
    display_name: Name
    icon_url: Picture | None = None


class Told(msgspec.Struct, frozen=True):
    """What a payload says: its text, how the speaker is shown, and the thread by the moment of its root."""

    text: str
    blocks: list[dict[str, Any]]
    name: str | None
    icon_url: str | None
    icon_emoji: str | None
    thread_us: int | None


class NoWebhook(NotFound):
    """There is no such webhook, or the caller may not know of it."""

    detail = "There is no such webhook."


class TooManyWebhooks(Conflict):
    """Webhooks beyond the limit."""

    code, detail = "too_many_webhooks", f"A workspace has at most {MOST} incoming webhooks."


class Unheard(Refused):
    """A payload that is not taken: the code is the word that Slack's webhooks answer with."""

    def __init__(self, code: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(code, code=code, status=status, headers=headers)


# ---- reading what Slack's senders send

_EMOJI = re.compile(r"[a-z0-9_+-]{1,64}")
_ICON = re.compile(r"https://[^\s/]+(/\S*)?")
_STAMP = re.compile(r"(\d{1,12})\.(\d{6})")
_MARK = re.compile(r"<([^<>\n]{1,4000})>")
_EVERYBODY = {"!channel": "@channel", "!everyone": "@channel", "!group": "@channel", "!here": "@here"}
_UNSEEN = str.maketrans(dict.fromkeys(binding.CONTROL))


def read(body: bytes, content_type: str) -> Told:
    """A payload: JSON, or a form whose field `payload` is JSON. Raises Unheard."""
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        body = _of_form(body)
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unheard("invalid_payload") from None
    if not isinstance(found, dict):
        raise Unheard("invalid_payload")
    blocks, attachments = _dicts(found, "blocks"), _dicts(found, "attachments")
    if len(attachments) > MAX_ATTACHMENTS:
        raise Unheard("too_many_attachments")
    if len(blocks) > MAX_BLOCKS:
        raise Unheard("invalid_payload")
    parts = [_text(found, "text") or _of_blocks(blocks), *map(_of_attachment, attachments)]
    text = plain("\n".join(part for part in parts if part.strip()))[:MAX_TEXT]
    if not text.strip():
        raise Unheard("no_text")
    name = " ".join(plain(_text(found, "username")).split())[:80] or None
    emoji, icon = _text(found, "icon_emoji").strip(":"), _text(found, "icon_url")
    return Told(
        text=text,
        blocks=blocks,
        name=name,
        icon_url=icon if len(icon) <= 2000 and _ICON.fullmatch(icon) else None,
        icon_emoji=emoji if _EMOJI.fullmatch(emoji) else None,
        thread_us=_moment(_text(found, "thread_ts")),
    )


def _of_form(body: bytes) -> bytes:
    """The field `payload`; a body that is JSON all the same, which some senders call a form."""
    if body.lstrip()[:1] == b"{":
        return body
    try:
        fields = parse_qs(body.decode(), errors="strict", max_num_fields=20)
    except ValueError:
        raise Unheard("invalid_payload") from None
    return fields.get("payload", [""])[0].encode()


def _text(of: dict[str, Any], name: str) -> str:
    """A text that may be left out. Raises Unheard for anything else."""
    value = of.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unheard("invalid_payload")
    return value


def _dicts(of: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = of.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unheard("invalid_payload")
    return value


def _moment(stamp: str) -> int | None:
    """Microseconds of a moment as Slack writes it."""
    if not stamp:
        return None
    found = _STAMP.fullmatch(stamp)
    if found is None:
        raise Unheard("invalid_thread_ts")
    return int(found[1]) * 1_000_000 + int(found[2])


def _of_blocks(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(filter(None, map(_of_block, blocks)))


def _of_block(block: dict[str, Any]) -> str:
    """What a block says, as far as it says anything in words."""
    kind = block.get("type")
    if kind == "rich_text":
        return "\n".join(_rich(one) for one in _items(block, "elements"))
    parts = [_words(block.get("text")), *(_words(one) for one in _items(block, "fields"))]
    if kind == "context":
        parts += [_words(one) for one in _items(block, "elements")]
    if kind == "image":
        parts += [_words(block.get("title")) or _words(block.get("alt_text"))]
    return "\n".join(filter(None, parts))


def _items(of: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = of.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _words(value: Any) -> str:
    """A text, or the object in which blocks keep one."""
    if isinstance(value, dict):
        value = value.get("text") or value.get("alt_text")
    return value if isinstance(value, str) else ""


def _rich(part: dict[str, Any], depth: int = 0) -> str:
    """A part of rich text: its pieces side by side, the items of a list below one another."""
    kind = part.get("type")
    if kind == "link":
        return _words(part.get("text")) or _words(part.get("url"))
    if kind == "emoji":
        return f":{_words(part.get('name'))}:"
    if kind == "broadcast":
        return f"@{_words(part.get('range'))}"
    if kind in ("user", "channel"):
        return ("@" if kind == "user" else "#") + _words(part.get(f"{kind}_id"))
    inner = _items(part, "elements") if depth < MAX_DEPTH else []
    between = "\n" if kind == "rich_text_list" else ""
    return _words(part.get("text")) + between.join(_rich(one, depth + 1) for one in inner)


def _of_attachment(one: dict[str, Any]) -> str:
    title, link = _words(one.get("title")), _words(one.get("title_link"))
    parts = [
        *(_words(one.get(name)) for name in ("pretext", "author_name")),
        f"<{link}|{title}>" if title and link else title,
        _words(one.get("text")),
        *(
            ": ".join(filter(None, (_words(f.get("title")), _words(f.get("value")))))
            for f in _items(one, "fields")
        ),
        _of_blocks(_items(one, "blocks")),
        _words(one.get("footer")),
    ]
    return "\n".join(filter(None, parts)) or _words(one.get("fallback"))


def plain(text: str) -> str:
    """Slack's markup as people read it: names, addresses and brackets instead of marks and entities."""
    readable = _MARK.sub(_unmarked, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return readable.translate(_UNSEEN)


def _unmarked(found: re.Match[str]) -> str:
    target, _, label = found[1].partition("|")
    if target in _EVERYBODY:
        return _EVERYBODY[target]
    if target[:1] == "!":
        return label
    if target[:1] in "@#":
        return target[:1] + label.lstrip("@#") if label else target
    return f"{label} ({target})" if label and label != target else target
