"""The door of the Sioree contract: its groups of routes, limits and words."""

from collections.abc import Mapping
from typing import ClassVar

from majlis.app import App
from majlis.kit.errors import Refused, Unauthenticated
from majlis.kit.http import Request
from majlis.surfaces.compat.door import Door
from majlis.surfaces.compat.sioree import (
    auth,
    bank,
    events,
    limits,
    media,
    messages,
    realtime,
    social,
    system,
    tickets,
)
from majlis.surfaces.compat.sioree.audience import AUDIENCE
from majlis.surfaces.compat.sioree.shapes import Error

DESCRIPTION = """\
Nights out: events, tickets, messages, bank and social accounts. A door to Majlis for the Sioree app: the same accounts,
events and conversations as at its other doors.

**Signing in.** `POST /api/auth/signup` and `/login` answer with a `token` of 15 minutes and a `refreshToken` of 7 days,
good once. Send `Authorization: Bearer <token>`. Tokens count at this door only.

**Lists** take `page`, counted from 1, and `limit` (at most 100).

**Every success is 200.** Refusals hold a stable word in `error`, and words for people in `message`.

Times are ISO 8601 in UTC, in whole seconds, ids are UUIDs, fields are written in camelCase.
"""

NAMED = 5  # wrong fields at most that a refusal names
SIGNED = "signed"  # the limit of routes whose caller the body proves: they may call as often as they like


class Sioree(Door):
    """Under /sioree."""

    name = limits.NAME
    title = "Majlis for Sioree"
    mount = "/sioree"
    description = DESCRIPTION
    error_type = Error
    audience = AUDIENCE
    auth = limits.AUTH
    writes = limits.WRITES
    reads = limits.READS
    actions = (limits.UPLOADS,)
    statuses: ClassVar[Mapping[int, int]] = {422: 400, 423: 429}
    codes: ClassVar[Mapping[str, str]] = {
        "bad_credentials": "invalid_credentials",
        "bad_refresh_token": "invalid_refresh_token",
        "no_file": "file_required",
        "event_over": "event_past",
        "not_a_member": "conversation_not_found",
        "not_author": "not_host",
        "oneself": "cannot_message_self",
        "bad_state": "Invalid state",
        "bank_webhook_signature": "bad_signature",
        "bank_webhook_payload": "bad_payload",
    }
    words = frozenset(
        {
            "cannot_message_self",
            "code_required",
            "file_required",
            "no_supported_account",
            "provider_error",
            "provider_not_configured",
            "too_many_files",
            "unknown_platform",
        }
    )
    general: ClassVar[Mapping[int, str]] = {
        400: "validation_failed",
        401: "unauthorized",
        413: "file_too_large",
        415: "unsupported_media_type",
        422: "validation_failed",
        423: "rate_limited",
    }
    missing: ClassVar[Mapping[str, str]] = {
        "account_id": "account_not_found",
        "conversation_id": "conversation_not_found",
        "event_id": "event_not_found",
        "ticket_id": "ticket_not_found",
    }

    def __init__(self) -> None:
        super().__init__(
            [
                system.api, auth.api, messages.api, bank.api, social.api, media.api, events.api, tickets.api,
                realtime.api,
            ]
        )  # fmt: skip

    async def throttle(self, app: App, request: Request) -> dict[str, str]:
        """As at every door; uploads have a limit of their own besides, and whoever signs what they send has none."""
        if request.route.limit == SIGNED:
            return {}
        if request.route.api == media.api.name and request.me.id is not None:
            await limits.spend(app, request.me, limits.UPLOADS)
        return await super().throttle(app, request)

    def render(self, refused: Refused, request: Request) -> Error:
        """The body of a refusal. Which fields are wrong stands in the words: the contract has no place of its own for it."""
        named = [f"{one.field}: {one.message}" for one in refused.fields if one.message != refused.detail]
        return Error(self.code(refused, request), " ".join([refused.detail, *named[:NAMED]]))

    def code(self, refused: Refused, request: Request) -> str:
        """The contract's words where no token or a bad one was shown, else as at every door."""
        if isinstance(refused, Unauthenticated) and refused.code in ("unauthenticated", "bad_token"):
            return "No token provided" if request.bearer is None else "Invalid token"
        return super().code(refused, request)
