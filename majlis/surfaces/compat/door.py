"""What doors of other contracts share: their callers, limits, words of refusal, and pages by limit and offset."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta

from majlis.app import App
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import Audience, ForgedAccess, Unconfirmed
from majlis.features.sockets import service as sockets
from majlis.kit import limits, page, telemetry
from majlis.kit.errors import Forbidden, NotFound, Refused
from majlis.kit.http import Api, Dialect, Request
from majlis.kit.limits import Limit
from majlis.kit.me import Me
from majlis.surfaces import documents, unbuilt

T = TypeVar("T")
READING = ("GET", "HEAD")


class Door(Dialect):
    """A door with a mount, tokens and limits of its own. A contract's door sets these and says how it refuses.

    Success bodies go out as routes return them, with `success_status`; a contract with an envelope overrides
    `answered` and `answer_type` of Dialect together.
    """

    name: str  # of its document, docs/openapi.<name>.json
    title: str
    mount: str
    description: ClassVar[str]
    error_type: ClassVar[Any]  # what `render` returns
    audience: ClassVar[Audience]
    unbuilt: ClassVar[str] = ""  # operations that answer 501, a line each: `POST /api/things`
    # What counts as one of the limits below; other requests count against `reads`.
    auth_groups: ClassVar[Collection[str]] = ("auth",)
    auth: ClassVar[Limit]  # for each address, requests of those groups
    writes: ClassVar[Limit]  # for each person
    reads: ClassVar[Limit]  # for each person, or address where nobody is signed in
    actions: ClassVar[Collection[Limit]] = ()  # of its own, which its routes count
    # What whoever has not confirmed an address may write all the same, where the server asks for that.
    care: ClassVar[Collection[str]] = ("auth", "notifications")
    own: ClassVar[Collection[str]] = ()  # and on these paths
    statuses: ClassVar[Mapping[int, int]] = {}  # statuses of refusals that differ at this door
    codes: ClassVar[Mapping[str, str]] = {}  # its words for codes of refusals
    words: ClassVar[Collection[str]] = ()  # codes that are words of the contract as they stand
    general: ClassVar[Mapping[int, str]] = {}  # its words for all others, by the native status
    # The same for what is missing, and what is somebody else's, by the last parameter of the path.
    missing: ClassVar[Mapping[str, str]] = {}
    foreign: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def limits(cls) -> dict[str, Limit]:
        """Its limits by their names, which MAJLIS_LIMITS may name."""
        return {limit.name: limit for limit in (cls.auth, cls.writes, cls.reads, *cls.actions)}

    def __init__(self, apis: Sequence[Api]) -> None:
        rest = unbuilt.api(apis, self.unbuilt)
        self.apis: Sequence[Api] = [*apis, documents.api.again(without={"/"}), rest]

    async def authenticate(self, app: App, request: Request) -> Me:
        """The caller of a bearer token of this door. Raises BadAccess, or RateLimited for made-up tokens."""
        return await self.admit(app, request, request.bearer or "")

    async def authenticate_socket(self, app: App, request: Request) -> Me:
        """The caller by a bearer token, or by the token or ticket in the query; nobody where there is none.

        Raises like `authenticate`. Nothing behind this sees the query.
        """
        query = parse_qs(request.scope["query_string"].decode("latin-1"))
        request.scope["query_string"] = b""
        token, ticket = request.bearer or query.get("token", [None])[0], query.get("ticket", [None])[0]
        if token is None and ticket is None:
            return Me.anonymous
        return await self.admit(app, request, token or "", ticket)

    async def admit(self, app: App, request: Request, token: str, ticket: str | None = None) -> Me:
        """Whom a token of this door stands for, or the ticket, if there is one. Raises like `authenticate`."""
        try:
            if ticket is not None:
                return await sockets.enter(app, Me.anonymous, ticket, self.audience)
            return await sessions.authenticate(app, token, self.audience)
        except ForgedAccess:
            await self._spend(app, request, self.reads, limits.ip_key(request.ip))
            raise

    async def throttle(self, app: App, request: Request) -> dict[str, str]:
        """Count the request against one limit. Raises RateLimited, and Unconfirmed behind that."""
        route, me, address = request.route, request.me, limits.ip_key(request.ip)
        writing = request.method not in READING
        if route.api in self.auth_groups:
            headers = await self._spend(app, request, self.auth, address)
        elif writing and me.id is not None:
            headers = await self._spend(app, request, self.writes, str(me.id))
        else:
            headers = await self._spend(app, request, self.reads, address if me.id is None else str(me.id))
        if app.settings.require_verified_email and me.id is not None and not me.verified:
            careful = route.api in self.care or route.path in self.own
            if writing and request.method != "DELETE" and not careful:
                raise Unconfirmed()
        return headers

    async def _spend(self, app: App, request: Request, limit: Limit, key: str) -> dict[str, str]:
        nobody = request.me.id is None
        if not app.limiter.enabled or request.route.module == documents.__name__:
            return {}
        if nobody and limits.within(request.ip, limits.networks(app.settings.rate_limit_exempt)):
            return {}
        verdict = await app.limiter.hit(limit, f"{self.name}:{key}")
        if not verdict.allowed:
            telemetry.limited.labels(limit.name).inc()
            raise app.limiter.refuse(verdict)
        return limits.headers(verdict)

    def refusal_status(self, status: int) -> int:
        """The status of a refusal at this door."""
        return self.statuses.get(status, status)

    def code(self, refused: Refused, request: Request) -> str:
        """The door's word for a refusal: what is missing is named by the last parameter of the route's path."""
        names = request.route.path_names if request.route is not None else ()
        last = names[-1] if names else ""
        if refused.code == NotFound.code and last in self.missing:
            return self.missing[last]
        if isinstance(refused, Forbidden) and last in self.foreign and refused.code in (Forbidden.code, last):
            return self.foreign[last]
        if refused.code in self.codes or refused.code in self.words:
            return self.codes.get(refused.code, refused.code)
        return self.general.get(refused.status, refused.code)

    def render(self, refused: Refused, request: Request) -> Any:
        """The body of a refusal."""
        raise NotImplementedError


class LimitOffset(msgspec.Struct, kw_only=True):
    """Which part of a list: how many, behind how many. A deeper part than the ceiling is no part of any list."""

    limit: Annotated[int, Meta(ge=1, le=page.MAXIMUM, description="how many items")] = page.DEFAULT
    offset: Annotated[int, Meta(ge=0, le=page.MAX_OFFSET, description="how many to skip")] = 0

    def paging(self) -> page.Paging:
        """The same for the domain. Nothing is counted: this kind of page does not tell a total."""
        return page.Paging(self.limit, offset=self.offset, counted=False)

    def more(self, found: page.Page[Any]) -> bool:
        """Whether something follows a page that can still be asked for."""
        return found.next is not None and self.offset + self.limit <= page.MAX_OFFSET


def flat(faults: Sequence[Any]) -> dict[str, str] | None:
    """Faulty fields as an object of words by field; None for none. Of several faults of a field the first counts."""
    found: dict[str, str] = {}
    for fault in faults:
        found.setdefault(fault.field, fault.message)
    return found or None
