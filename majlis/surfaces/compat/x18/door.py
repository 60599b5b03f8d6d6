"""The door of the x18 contract: its groups of routes, limits and words."""

from collections.abc import Mapping
from typing import ClassVar

from majlis.kit.errors import Refused
from majlis.kit.http import Request
from majlis.kit.limits import Limit
from majlis.surfaces.compat.door import Door, flat
from majlis.surfaces.compat.x18 import (
    auth,
    devices,
    media,
    messages,
    money,
    notifications,
    polls,
    posts,
    search,
    system,
    timelines,
    users,
    ws,
)
from majlis.surfaces.compat.x18.audience import AUDIENCE
from majlis.surfaces.compat.x18.shapes import Error

DESCRIPTION = """\
Short posts with metadata, follows, timelines. A door to Majlis for apps that were written against x18: the same
accounts, posts and people as at its other doors.

**Signing in.** `POST /api/auth/register` and `/login` answer with an `access_token` of 15 minutes and a
`refresh_token` of 30 days, good once. Send `Authorization: Bearer <access_token>`. Tokens count at this door only.

**Lists** take `limit` (20, at most 100) and `offset` (at most 10,000), and tell whether there is more.

**Refusals** hold words, a stable `code`, and in `fields` words for every field that is wrong.

**Limits**: 10 requests a minute to sign in from an address, 60 a minute that change something for each person; over
them the answer is 429 with `Retry-After`.

**Live updates.** `GET /ws` is a WebSocket of `{event, payload}`, opened with the bearer header, `?ticket=` from
`POST /api/ws-ticket`, `?token=`, or a first frame `{"event": "auth", "payload": {"token": …}}`. It tells
`notification.created`, `notification.deleted`, `message.created`, `message.deleted`, `message.read`,
`notification.unread_count`, `message.unread_count`, and after `{"event": "home.watch"}` how many posts are new in
the caller's home: `post.created`. `{"event": "ping"}` is answered by `pong`.

Times are RFC 3339 in UTC, ids are UUIDs, decimals are strings.
"""


class X18(Door):
    """Under /x18."""

    name = "x18"
    title = "Majlis for x18"
    mount = "/x18"
    description = DESCRIPTION
    error_type = Error
    audience = AUDIENCE
    auth = Limit("x18-auth", 10, 60)
    writes = Limit("x18-writes", 60, 60)
    reads = Limit("x18-reads", 600, 60)
    care = ("auth", "devices", "notifications")
    own = ("/api/users/me",)
    statuses: ClassVar[Mapping[int, int]] = {422: 400, 423: 429}
    codes: ClassVar[Mapping[str, str]] = {
        "bad_credentials": "invalid_credentials",
        "bad_refresh_token": "invalid_refresh_token",
        "no_file": "file_required",
        "not_a_member": "conversation_not_found",
        "oneself": "cannot_follow_self",
    }
    words = frozenset(
        {
            "cannot_follow_self",
            "cannot_message_self",
            "filter_required",
            "invalid_tag",
            "invalid_timeframe",
            "query_required",
            "unknown_media",
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
        "conversation_id": "conversation_not_found",
        "device_id": "device_not_found",
        "media_id": "media_not_found",
        "message_id": "message_not_found",
        "notification_id": "notification_not_found",
        "post_id": "post_not_found",
        "user_id": "user_not_found",
        "username": "user_not_found",
    }
    foreign: ClassVar[Mapping[str, str]] = {"media_id": "not_owner", "post_id": "not_author"}

    def __init__(self) -> None:
        super().__init__(
            [
                system.api, auth.api, users.api, posts.people, posts.api, timelines.api, search.api,
                notifications.api, devices.api, media.api, money.api, messages.api, polls.api, ws.api,
            ]
        )  # fmt: skip

    def render(self, refused: Refused, request: Request) -> Error:
        """The body of a refusal."""
        return Error(refused.detail, self.code(refused, request), flat(refused.fields))
