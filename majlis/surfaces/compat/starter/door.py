"""The door of the starter contract: its groups of routes, envelope, limits and words."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Literal, cast, get_args, get_origin

import msgspec

from majlis.app import App
from majlis.kit import limits
from majlis.kit.errors import FieldFault, Forbidden, NotFound, Refused
from majlis.kit.http import Answer, Request
from majlis.kit.limits import Limit
from majlis.surfaces.compat.door import Door, flat
from majlis.surfaces.compat.starter import (
    auth,
    documents,
    messages,
    notifications,
    posts,
    rooms,
    system,
    tasks,
    users,
    ws,
)
from majlis.surfaces.compat.starter.actions import LIMITS
from majlis.surfaces.compat.starter.audience import AUDIENCE
from majlis.surfaces.compat.starter.shapes import (
    Bare,
    Envelope,
    Error,
    Fault,
    ListEnvelope,
    Paged,
    PagedEnvelope,
    camel,
    words_of,
)

DESCRIPTION = """\
Articles, direct messages, tasks in the background, documents and rooms. A door to Majlis for apps that were written
against the starter backend: the same accounts and people as at its other doors.

**Signing in.** `POST /api/v1/auth/register` and `/login` answer with an `accessToken` of 15 minutes and a
`refreshToken` of 7 days, good once. Send `Authorization: Bearer <accessToken>`. Tokens count at this door only.

**Successes** are `{success: true, message, data}`; lists also have `pagination`, with pages counted from 1.

**Refusals** are `{success: false, message, error: {code, details}}`; `details` names every field that is wrong.

**Limits**: 100 requests a second from an address, in bursts of 200; 10 a minute to sign in; 10 articles a minute for
each person. Over them the answer is 429 with `Retry-After`.

Times are RFC 3339 in UTC, ids are UUIDs, fields are written in camelCase.
"""
# What nobody serves yet.
UNBUILT = ""
ITEM = re.compile(r"items\[(\d+)\]")


class Starter(Door):
    """Under /starter."""

    name = "starter"
    title = "Majlis for starter"
    mount = "/starter"
    description = DESCRIPTION
    error_type = Error
    audience = AUDIENCE
    unbuilt = UNBUILT
    auth = Limit("starter-auth", 10, 60)
    writes = Limit("starter-writes", 200, 2)
    reads = Limit("starter-reads", 200, 2)
    all = Limit("starter-all", 200, 2)  # of an address, whoever asks: 100 a second, in bursts of 200
    actions: ClassVar[Collection[Limit]] = (all, *LIMITS.values())
    care = ("auth", "account", "notifications")
    statuses: ClassVar[Mapping[int, int]] = {413: 400, 415: 400, 422: 400, 423: 429}
    codes: ClassVar[Mapping[str, str]] = {
        "bad_credentials": "invalid_credentials",
        "bad_refresh_token": "invalid_refresh_token",
    }
    words = frozenset(
        {
            "already_published",
            "email_taken",
            "internal",
            "mfa_required",
            "receiver_not_found",
            "too_many_connections",
            "unknown_task_type",
        }
    )
    general: ClassVar[Mapping[int, str]] = {
        400: "bad_request",
        401: "unauthorized",
        403: "forbidden",
        404: "not_found",
        409: "conflict",
        413: "bad_request",
        415: "bad_request",
        422: "bad_request",
        423: "too_many_requests",
        429: "too_many_requests",
    }

    def __init__(self) -> None:
        super().__init__(
            [
                system.api, auth.api, auth.account, posts.api, tasks.api, notifications.api, messages.api,
                documents.api, rooms.api, users.api, ws.api,
            ]
        )  # fmt: skip

    async def throttle(self, app: App, request: Request) -> dict[str, str]:
        """Count the request for its address, then against one of the narrower limits."""
        if request.route.path.startswith("/api/"):
            await self._spend(app, request, self.all, limits.ip_key(request.ip))
        return await super().throttle(app, request)

    def success_status(self, status: int) -> int:
        """Successes that tell nothing are 200 with an empty envelope."""
        return 200 if status == 204 else status

    def answered(self, answer: Answer, request: Request) -> Answer:
        """An answer in its envelope; the state of the server goes without."""
        body, words = answer.body, words_of(request.route.handler)
        if isinstance(body, Bare | bytes):
            return answer
        wrapped: Any = Envelope(True, words, body)
        if isinstance(body, Paged):
            wrapped = PagedEnvelope(True, words, body.data, body.pagination)
        return Answer(wrapped, self.success_status(answer.status), answer.headers)

    def answer_type(self, kind: Any) -> Any:
        """The type of an answer in its envelope."""
        if get_origin(kind) is Paged:
            return cast(Any, PagedEnvelope)[get_args(kind)[0]]
        if get_origin(kind) is list:
            return cast(Any, ListEnvelope)[get_args(kind)[0]]
        if isinstance(kind, type) and issubclass(kind, Bare):
            return kind
        return kind if get_origin(kind) is dict else cast(Any, Envelope)[kind]

    def render(self, refused: Refused, request: Request) -> Error:
        """The body of a refusal."""
        failed: Literal[False] = False
        return Error(failed, refused.detail, Fault(self.code(refused, request), details(refused.fields)))

    def code(self, refused: Refused, request: Request) -> str:
        """The contract's word for a refusal."""
        if isinstance(refused, NotFound | Forbidden) and refused.code not in self.words:
            return self.general[refused.status]
        return super().code(refused, request)


def details(faults: Sequence[FieldFault]) -> dict[str, Any] | None:
    """Words by field, and the index where it is one of several items that is wrong; None for no fields."""
    named = [msgspec.structs.replace(one, field=camel(one.field)) for one in faults]
    found: dict[str, Any] | None = flat(named)
    at = next((match[1] for match in map(ITEM.match, found or ()) if match), None)
    return found if found is None or at is None else {"index": int(at), **found}
