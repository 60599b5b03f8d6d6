"""Limits of single actions, for each person."""

from majlis.app import App
from majlis.kit import limits, telemetry
from majlis.kit.limits import Limit
from majlis.kit.me import Me

WORDS = "Rate limit exceeded"
LIMITS = {
    action: Limit(f"starter-{action}", 10, 60)
    for action in ("create_post", "bulk_create_posts", "create_task")
}


async def spend(app: App, me: Me, action: str) -> None:
    """Count an action of the caller's. Raises RateLimited."""
    if not app.limiter.enabled:
        return
    limit = LIMITS[action]
    verdict = await app.limiter.hit(limit, f"starter:{me.user()}:{action}")
    if not verdict.allowed:
        telemetry.limited.labels(limit.name).inc()
        refused = app.limiter.refuse(verdict)
        raise type(refused)(WORDS, headers={**refused.headers, **limits.headers(verdict)})
