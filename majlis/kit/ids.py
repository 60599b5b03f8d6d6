"""Identifiers: UUIDv7, made here so that a row knows its name before it is stored."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new() -> UUID:
    """A new time-ordered id (RFC 9562, version 7)."""
    return uuid7()


def parse(text: str) -> UUID | None:
    """The id in this text, or None when it is none."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
