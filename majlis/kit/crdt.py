"""Documents that several people change at once, on replicas of their own: Y documents, merged by pycrdt.

A document travels as updates, whose order does not matter and which may come twice. Its shared map `content` is what is
shown as JSON; what else clients share in it is kept and passed on.

Updates are read in threads with a large stack: their values nest as deep as their size allows, and the decoder
recurses. On an ordinary stack 64 KiB of nested arrays would end the process.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import msgspec
from pycrdt import Doc, Map, merge_updates

T = TypeVar("T")
ROOT = "content"
EMPTY = b"\0\0"  # an update of nothing
STACK = 256 * 1024 * 1024  # bytes of address space; only what is used takes memory
MAX_UPDATE = 64 * 1024  # bytes; what nests in it needs two bytes for a level, and less than 8 KiB of stack
EXACT = 2**53  # numbers are doubles in there
_threads = ThreadPoolExecutor(2, "crdt")


class Unreadable(Exception):
    """No update, no state vector, or nothing that can be shown as JSON."""


class Merged(NamedTuple):
    """A document behind a change: all of it, what was new, and what that changed of the content.

    `update` is None where nothing was new. `changes` holds the new values by name, null for those that are gone.
    """

    state: bytes
    update: bytes | None
    content: dict[str, Any]
    changes: dict[str, Any]


async def merge(parts: Sequence[bytes], update: bytes) -> Merged:
    """A document, given as updates, with one more. Raises Unreadable."""
    if len(update) > MAX_UPDATE:
        raise Unreadable

    def work() -> Merged:
        before = merge_updates(*parts) if parts else EMPTY
        after = merge_updates(before, update)
        doc = _load([after])
        shown, changes = _compared(_content(_load([before])), doc)
        # Not what the document says was new: it forgets what waits for an update that has not come yet.
        known = after == merge_updates(before)
        return Merged(_whole(doc, [after]), None if known else update, shown, changes)

    return await _apart(work)


async def patch(parts: Sequence[bytes], changes: Mapping[str, Any]) -> Merged:
    """A document with these values in its content, without those that are null. Raises Unreadable."""

    def act(doc: Doc[Any]) -> None:
        root = doc.get(ROOT, type=Map)
        with doc.transaction():
            for name, value in changes.items():
                if value is not None:
                    root[name] = _double(value)
                elif name in root:
                    del root[name]

    return await _apart(lambda: _patched(parts, act))


async def content(parts: Sequence[bytes]) -> dict[str, Any]:
    """What a document holds. Raises Unreadable."""
    return await _apart(lambda: _content(_load(parts)))


async def missing(parts: Sequence[bytes], vector: bytes | None) -> bytes:
    """What a replica lacks that has this state vector; all of it where none is given. Raises Unreadable."""
    return await _apart(lambda: bytes(_load(parts).get_update(vector)))


async def _apart(work: Callable[[], T]) -> T:
    """Run this on a large stack; documents neither come in nor get out."""

    def guarded() -> T:
        try:
            return work()
        except (ValueError, TypeError, OverflowError, RuntimeError) as error:
            raise Unreadable(str(error)) from None
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # what Rust did not expect, which is no Exception
                raise
            raise Unreadable("unexpected") from None

    before = threading.stack_size(STACK)
    try:
        running = _threads.submit(guarded)
    finally:
        threading.stack_size(before)
    return await asyncio.wrap_future(running)


def _load(parts: Sequence[bytes]) -> "Doc[Any]":
    """The document of these updates, whatever their order."""
    doc: Doc[Any] = Doc()
    if parts:
        # At once: applied one by one, what came before that on which it rests is not always taken up behind it.
        doc.apply_update(merge_updates(*parts))
    return doc


def _patched(parts: Sequence[bytes], act: Callable[["Doc[Any]"], None]) -> Merged:
    doc = _load(parts)
    before = _content(doc)
    new: list[bytes] = []
    watching = doc.observe(lambda event: new.append(bytes(event.update)))
    act(doc)
    doc.unobserve(watching)
    after, changes = _compared(before, doc)
    return Merged(_whole(doc, [*parts, *new]), new[0] if new else None, after, changes)


def _compared(before: dict[str, Any], doc: "Doc[Any]") -> tuple[dict[str, Any], dict[str, Any]]:
    """What a document holds, and what of it has changed."""
    after = _content(doc)
    changes = {name: value for name, value in after.items() if name not in before or before[name] != value}
    changes |= {name: None for name in before if name not in after}
    return after, changes


def _whole(doc: "Doc[Any]", parts: Sequence[bytes]) -> bytes:
    """A document as one update, without what was deleted; unless a part of it waits for one that has not come yet."""
    whole = merge_updates(EMPTY, doc.get_update())
    return whole if merge_updates(whole, *parts) == whole else merge_updates(*parts)


def _content(doc: "Doc[Any]") -> dict[str, Any]:
    """Plain JSON values; encoding finds what nests too deep."""
    shown = doc.get(ROOT, type=Map).to_py() or {}
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(_plain(shown)))
    return found


def _double(value: Any) -> Any:
    """Numbers that are no doubles as those next to them. Raises OverflowError."""
    if isinstance(value, dict):
        return {name: _double(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_double(one) for one in value]
    return float(value) if isinstance(value, int) and abs(value) >= EXACT else value


def _plain(value: Any) -> Any:
    """Whole numbers without a fraction, and nothing that JSON does not know."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        if value.is_integer() and abs(value) < EXACT:
            return int(value)
        return value if abs(value) != float("inf") and value == value else None
    return value if value is None or isinstance(value, str | int | bool) else None
