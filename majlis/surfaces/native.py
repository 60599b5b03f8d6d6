"""The server's own API under /api/v1: its callers, limits and the shape of its refusals."""

from collections.abc import Awaitable, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec

from majlis.app import App
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import ForgedAccess, Unconfirmed
from majlis.features.sockets import service as sockets
from majlis.kit import limits, telemetry
from majlis.kit.errors import FieldFault, Refused
from majlis.kit.http import Api, Dialect, Request
from majlis.kit.limits import Limit, Verdict
from majlis.kit.me import Me

REPORT = Limit("report", 20, 3600)
NAMED = {"post": limits.POST, "upload": limits.UPLOAD, "report": REPORT}
# What whoever has not confirmed an address may write all the same: routes of these groups, and on these paths.
CARE = frozenset({"authentication", "moderation", "notifications", "privacy"})
OWN, SHIELDS = "/api/v1/users/me", ("/block", "/mute")
SIGNED = "signed"  # the limit of routes whose caller the body proves: they may call as often as they like
SOCKET = "/ws"
LIMITED = "/api/"  # health, metrics, documents and media are not


# What the document says of each group of routes, to which several features add.
GROUPS = {
    "admin": "How the server is used, for its admins.",
    "authentication": "Registering, signing in and out, passwords, second factors, passkeys, accounts at companies.",
    "businesses": "Businesses: finding, following and keeping them, their hours, pictures and categories.",
    "channels": "Channels of workspaces: making, joining and keeping them.",
    "chat": "Direct chats between two people.",
    "comments": "Comments, replies and likes of them.",
    "composing": "Messages that are not sent yet: drafts, and those that wait for their time.",
    "connections": "The caller's accounts at social networks.",
    "conversations": "The engine under chats and channels: members, messages, threads, reactions, pins.",
    "discovery": "The map, and a search through everything.",
    "documents": "Documents that several people write; and the pages of this server.",
    "drafts": "Posts that are not published yet.",
    "events": "Events: who comes, series, who is asked in when a place becomes free.",
    "files": "Files in channels.",
    "health": "For operators: whether the server is well, and metrics.",
    "invites": "Invitations to workspaces.",
    "media": "The bytes of pictures and videos.",
    "members": "Workspaces of the caller, and the people there.",
    "messages": "What is said in channels: messages, threads, reactions, pins, search, mentions.",
    "moderation": "Reports, cases and decisions about them, filters, the audit trail.",
    "notifications": "What people are told, where they want to be told it, their devices.",
    "payments": "Payments and payouts, paid posts, subscriptions, what authors earn.",
    "polls": "Votes in polls.",
    "posts": "Posts of all types, feeds, likes, bookmarks, shares, their history.",
    "privacy": "Who sees what of the caller.",
    "profile": "People: the caller's profile, follows, blocks, mutes, copies of their data.",
    "rooms": "Who is where at this moment.",
    "sales": "Goods, and their categories.",
    "tickets": "Tickets of events: types, orders, discounts, handing on, the door.",
    "upload": "Uploads of pictures, before they are used.",
    "workspaces": "Workspaces: settings, emoji, webhooks, exports.",
}


class ErrorBody(msgspec.Struct):
    """What was refused and why; `details` names every wrong field."""

    code: str
    message: str
    details: list[FieldFault]
    request_id: str


class Error(msgspec.Struct):
    """A refusal."""

    error: ErrorBody


class Native(Dialect):
    """The door of the Hamsaya and AfroChat contracts."""

    name = "majlis"
    title = "Majlis"
    mount = ""
    groups = GROUPS
    beside: Sequence[Any] = ()  # the other doors, which the front page names
    error_type = Error

    def __init__(self, apis: Sequence[Api]) -> None:
        self.apis = apis

    async def authenticate(self, app: App, request: Request) -> Me:
        """The caller of a bearer token. Raises Unauthenticated, or RateLimited for made-up tokens.

        Those count as requests without a token; one that was ours and has ended does not, as every app sends
        it now and then before it refreshes.
        """
        return await self._admitted(app, request, sessions.authenticate(app, request.bearer or ""))

    async def authenticate_socket(self, app: App, request: Request) -> Me:
        """The caller by a bearer token, or by `?ticket=…` (rule 168). Raises like `authenticate`."""
        if request.bearer is not None:
            return await self.authenticate(app, request)
        ticket = parse_qs(request.scope["query_string"].decode("latin-1")).get("ticket")
        if ticket is None:
            return Me.anonymous
        return await self._admitted(app, request, sockets.enter(app, Me.anonymous, ticket[0]))

    async def _admitted(self, app: App, request: Request, entering: Awaitable[Me]) -> Me:
        try:
            return await entering
        except ForgedAccess as refused:
            refused.headers |= await self._spent(app, request, _address_limits(app, request))
            raise

    async def throttle(self, app: App, request: Request) -> dict[str, str]:
        """Count the request against the caller's limits (rules 61 to 65). Raises RateLimited.

        Returns the headers of the limit that is nearest to its end. Raises Unconfirmed behind that: what is
        refused counts too.
        """
        headers = await self._counted(app, request)
        if app.settings.require_verified_email and request.me.id is not None and not request.me.verified:
            _refuse_writing(request)
        return headers

    async def _counted(self, app: App, request: Request) -> dict[str, str]:
        if request.route.limit == SIGNED:
            return {}
        if request.me.id is None:
            return await self._spent(app, request, _address_limits(app, request))
        user = str(request.me.id)
        named = NAMED.get(request.route.limit or "")
        return await self._spent(app, request, [(limits.API, user), *([(named, user)] if named else [])])

    async def _spent(self, app: App, request: Request, wanted: Sequence[tuple[Limit, str]]) -> dict[str, str]:
        if not app.limiter.enabled or not request.path.startswith((LIMITED, SOCKET)):
            return {}
        nearest: Verdict | None = None
        for limit, key in wanted:
            verdict = await app.limiter.hit(limit, key)
            if not verdict.allowed:
                telemetry.limited.labels(limit.name).inc()
                raise app.limiter.refuse(verdict)
            if nearest is None or verdict.remaining / verdict.limit < nearest.remaining / nearest.limit:
                nearest = verdict
        return {} if nearest is None else limits.headers(nearest)

    def render(self, refused: Refused, request: Request) -> Error:
        """The body of a refusal."""
        return Error(ErrorBody(refused.code, refused.detail, list(refused.fields), request.id))


def _refuse_writing(request: Request) -> None:
    """Whoever has not confirmed an address reads, looks after the account, reports, and takes back; no more."""
    route = request.route
    own = route.api in CARE or route.path.startswith(OWN) or route.path.endswith(SHIELDS)
    if request.method not in ("GET", "HEAD", "DELETE") and route.policy.token != "ignored" and not own:
        raise Unconfirmed()


def _address_limits(app: App, request: Request) -> list[tuple[Limit, str]]:
    """What a request without an account counts against."""
    if limits.within(request.ip, limits.networks(app.settings.rate_limit_exempt)):
        return []
    key = limits.ip_key(request.ip)
    return [(limits.BURST, key), (limits.IP, key)]
