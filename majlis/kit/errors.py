"""Refusals: what the server says no to, in words a client can act on."""

from collections.abc import Sequence
from typing import Any

import msgspec


class FieldFault(msgspec.Struct, frozen=True):
    """One field that was wrong: its path (`attachments[0].url`), a stable code, and words."""

    field: str
    code: str
    message: str


class Refused(Exception):
    """A request that is answered with a 4xx or 503. Features subclass it in their model."""

    code = "refused"
    status = 400
    detail = "The request was refused."

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        status: int | None = None,
        fields: Sequence[FieldFault] = (),
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.code = code or type(self).code
        self.status = status or type(self).status
        self.detail = detail or type(self).detail
        self.fields = tuple(fields)
        self.data = data or {}
        self.headers = headers or {}
        super().__init__(self.detail)


class Malformed(Refused):
    """The request could not be read at all: broken JSON, a bad cursor or parameter."""

    code, status, detail = "malformed", 400, "The request could not be read."


class Unauthenticated(Refused):
    """No token, or one that is not good any more."""

    code, status, detail = "unauthenticated", 401, "Sign in first."


class Forbidden(Refused):
    """The caller is known and may see the thing, but not do this with it."""

    code, status, detail = "forbidden", 403, "You may not do this."


class NotFound(Refused):
    """It does not exist, is deleted, or the caller may not know of it."""

    code, status, detail = "not_found", 404, "There is no such thing."


class MethodNotAllowed(Refused):
    """The path exists, with other methods."""

    code, status, detail = "method_not_allowed", 405, "This method is not allowed here."


class Conflict(Refused):
    """The state of things does not allow it."""

    code, status, detail = "conflict", 409, "This conflicts with the present state."


class TooLarge(Refused):
    """A body or file over its limit."""

    code, status, detail = "too_large", 413, "This is too large."


class UnsupportedType(Refused):
    """A body or file of a type that is not taken here."""

    code, status, detail = "unsupported_type", 415, "This type is not supported."


class RangeNotSatisfiable(Refused):
    """A range that lies outside of the file."""

    code, status, detail = "range_not_satisfiable", 416, "The file has no such bytes."


class Invalid(Refused):
    """Well-formed, but fields are missing or wrong; `fields` names every one."""

    code, status, detail = "invalid", 422, "Some fields are missing or wrong."

    @classmethod
    def field(cls, field: str, message: str, code: str = "invalid") -> "Invalid":
        """A refusal of a single field."""
        return cls(message, fields=[FieldFault(field, code, message)])


class Locked(Refused):
    """Locked for a time; Retry-After says how long."""

    code, status, detail = "locked", 423, "This is locked for a while."


class RateLimited(Refused):
    """Too many requests; Retry-After says how long to wait."""

    code, status, detail = "rate_limited", 429, "Too many requests."


class NotBuilt(Refused):
    """An operation of the contract that this version does not have yet."""

    code, status, detail = "not_implemented", 501, "This is not built yet."


class Unavailable(Refused):
    """Something the server depends on does not answer."""

    code, status, detail = "unavailable", 503, "Try again shortly."


def gave_way() -> Unavailable:
    """What is told of work that the database ended so that others can go on (`db.GAVE_WAY`)."""
    return Unavailable(headers={"Retry-After": "1"})


class BadExtension(Exception):
    """An installed package that cannot be used; the message tells an operator which, and why."""
