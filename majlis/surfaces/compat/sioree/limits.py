"""How much may be asked of the Sioree door."""

from majlis.app import App
from majlis.features.sessions.model import Unconfirmed
from majlis.kit import telemetry
from majlis.kit.limits import Limit
from majlis.kit.me import Me

NAME = "sioree"
AUTH = Limit("sioree-auth", 10, 60)  # for each address
WRITES = Limit("sioree-writes", 60, 60)  # for each person
READS = Limit("sioree-reads", 600, 60)
UPLOADS = Limit("sioree-uploads", 20, 60)


async def spend(app: App, me: Me, limit: Limit) -> None:
    """Count something that the caller does. Raises RateLimited."""
    if app.limiter.enabled:
        verdict = await app.limiter.hit(limit, f"{NAME}:{me.user()}")
        if not verdict.allowed:
            telemetry.limited.labels(limit.name).inc()
            raise app.limiter.refuse(verdict)


async def spend_message(app: App, me: Me) -> None:
    """Count a message over a socket as one over HTTP. Raises RateLimited, Unconfirmed."""
    if app.settings.require_verified_email and not me.verified:
        raise Unconfirmed()
    await spend(app, me, WRITES)
