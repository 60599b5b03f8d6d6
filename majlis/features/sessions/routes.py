"""Signing out, refreshing, passwords and sessions over HTTP. Registering and signing in are in profiles."""

from uuid import UUID

from majlis.app import App
from majlis.features.sessions import service
from majlis.features.sessions.model import (
    ChangePasswordBody,
    ForgotBody,
    KeepQuery,
    LogoutBody,
    Message,
    RefreshBody,
    ResendBody,
    ResetBody,
    Revoked,
    Session,
    TokenPair,
    Verified,
    VerifyBody,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me, Origin

api = http.Api("authentication")
AUTH = "/api/v1/auth"
SENT = Message("If the address is known, a message is on its way.")


@api.post(AUTH + "/logout", policy=access.user, status=204, idempotent=False)
async def logout(app: App, me: Me, body: LogoutBody) -> None:
    """Sign out: end the current session, or the one with this refresh token."""
    async with app.db.tx() as tx:
        await service.logout(app, tx, me, body.refresh_token or None)


@api.post(AUTH + "/refresh", policy=access.none, errors=(401, 403))
async def refresh(app: App, me: Me, body: RefreshBody) -> TokenPair:
    """Exchange a refresh token for a new pair. The old one is spent: showing it again ends the session."""
    return await service.refresh(app, me, body.refresh_token)


@api.post(AUTH + "/forgot-password", policy=access.none, status=202)
async def forgot_password(app: App, me: Me, body: ForgotBody, origin: Origin) -> Message:
    """Ask for a mail that resets the password. The answer does not tell whether the address is known."""
    await service.forgot_password(app, me, body.email, origin)
    return SENT


@api.post(AUTH + "/reset-password", policy=access.none, status=204, errors=(400,))
async def reset_password(app: App, me: Me, body: ResetBody, origin: Origin) -> None:
    """Set a new password by the token from the mail. Ends all sessions."""
    await service.reset_password(app, me, body.token, body.new_password, origin)


@api.post(AUTH + "/verify-email", policy=access.none, errors=(400, 409))
async def verify_email(app: App, me: Me, body: VerifyBody, origin: Origin) -> Verified:
    """Confirm an e-mail address by the token from the mail."""
    return Verified(await service.verify_email(app, me, body.token, origin), True)


@api.post(AUTH + "/resend-verification", policy=access.optional, status=202)
async def resend_verification(app: App, me: Me, body: ResendBody, origin: Origin) -> Message:
    """Ask for another confirmation mail, for the caller's address or the one given."""
    await service.resend_verification(app, me, body.email, origin)
    return SENT


# No Idempotency-Key: with it a digest of the body is kept, and thus one of both passwords, quick to guess at.
@api.post(AUTH + "/change-password", policy=access.strong, status=204, idempotent=False, errors=(401, 409))
async def change_password(app: App, me: Me, body: ChangePasswordBody) -> None:
    """Change the password. Other sessions end unless `revoke_other_sessions` is false."""
    await service.change_password(
        app, me, body.current_password, body.new_password, revoke_others=body.revoke_other_sessions
    )


@api.get(AUTH + "/sessions", policy=access.user)
async def sessions(app: App, me: Me, query: http.PageQuery) -> http.Listing[Session]:
    """The caller's active sessions, newest first."""
    async with app.db.read() as tx:
        return http.listing(await service.sessions(tx, me, query.paging()))


@api.delete(AUTH + "/sessions/{session_id}", policy=access.user, status=204)
async def end_session(app: App, me: Me, session_id: UUID) -> None:
    """End one session. Its access token is refused from then on."""
    async with app.db.tx() as tx:
        await service.end(app, tx, me, session_id)


@api.delete(AUTH + "/sessions", policy=access.strong)
async def end_sessions(app: App, me: Me, query: KeepQuery) -> Revoked:
    """End all sessions; with `keep_current=true` all but this one."""
    async with app.db.tx() as tx:
        keep = me.session if query.keep_current else None
        return Revoked(await service.revoke(app, tx, me, me.user(), keep=keep, reason="ended by the owner"))
