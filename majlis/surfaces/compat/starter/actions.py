"""Limits of single actions, for each person."""

from majlis.app import App
from majlis.kit import limits, telemetry
from majlis.kit.limits import Limit
from majlis.kit.me import Me

WORDS = "Rate limit exceeded"


async def spend(app: App, me: Me, action: str, amount: int = 10) -> None:
    """Count an action of the caller's, of which so many a minute are let through. Raises RateLimited."""
    if not app.limiter.enabled:
        return
    limit = Limit(f"starter-{action}", amount, 60)
    verdict = await app.limiter.hit(limit, f"starter:{me.user()}:{action}")
    if not verdict.allowed:
        telemetry.limited.labels(limit.name).inc()
        refused = app.limiter.refuse(verdict)
        raise type(refused)(WORDS, headers={**refused.headers, **limits.headers(verdict)})
