"""The server's own API under /api/v1: its callers, limits and the shape of its refusals."""

from collections.abc import Sequence

import msgspec

from majlis.app import App
from majlis.features.sessions import service as sessions
from majlis.kit import limits, telemetry
from majlis.kit.errors import FieldFault, Refused
from majlis.kit.http import Api, Request
from majlis.kit.limits import Limit, Verdict
from majlis.kit.me import Me

NAMED = {"post": limits.POST, "upload": limits.UPLOAD}


class ErrorBody(msgspec.Struct):
    """What was refused and why; `details` names every wrong field."""

    code: str
    message: str
    details: list[FieldFault]
    request_id: str


class Error(msgspec.Struct):
    """A refusal."""

    error: ErrorBody


class Native:
    """The door of the Hamsaya and AfroChat contracts."""

    name = "majlis"
    title = "Majlis"
    mount = ""
    error_type = Error

    def __init__(self, apis: Sequence[Api]) -> None:
        self.apis = apis

    async def authenticate(self, app: App, request: Request) -> Me:
        """The caller of a bearer token. Raises Unauthenticated."""
        return await sessions.authenticate(app, request.bearer or "")

    async def throttle(self, app: App, request: Request) -> dict[str, str]:
        """Count the request against the caller's limits (rules 61 to 65). Raises RateLimited.

        Returns the headers of the limit that is nearest to its end.
        """
        limiter = app.limiter
        if not limiter.enabled or not request.path.startswith("/api/"):
            return {}
        found: list[tuple[Limit, Verdict]] = []
        if request.me.id is not None:
            found.append((limits.API, await limiter.hit(limits.API, str(request.me.id))))
            named = NAMED.get(request.route.limit or "")
            if named is not None and found[0][1].allowed:
                found.append((named, await limiter.hit(named, str(request.me.id))))
        elif not limits.within(request.ip, limits.networks(app.settings.rate_limit_exempt)):
            key = limits.ip_key(request.ip)
            found.append((limits.BURST, await limiter.hit(limits.BURST, key)))
            if found[0][1].allowed:
                found.append((limits.IP, await limiter.hit(limits.IP, key)))
        for limit, verdict in found:
            if not verdict.allowed:
                telemetry.limited.labels(limit.name).inc()
                raise limiter.refuse(verdict)
        if not found:
            return {}
        return limits.headers(min(found, key=lambda pair: pair[1].remaining / pair[1].limit)[1])

    def render(self, refused: Refused, request: Request) -> Error:
        """The body of a refusal."""
        return Error(ErrorBody(refused.code, refused.detail, list(refused.fields), request.id))
