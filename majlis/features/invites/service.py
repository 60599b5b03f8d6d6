"""Verbs of invitations: make, list, take back, mail again; look at one, and accept it."""

from datetime import datetime, timedelta
from uuid import UUID

from majlis.app import App
from majlis.features.channels import service as channels
from majlis.features.identity import service as identity
from majlis.features.invites import store
from majlis.features.invites.facts import InviteMailWanted
from majlis.features.invites.model import (
    Accepted,
    Invitation,
    Invite,
    InviteCreate,
    InvitedTo,
    InviteGone,
    InvitesQuery,
    InviteStatus,
    NeedsChannels,
    NoInvite,
    OnlyMailed,
    SentOften,
    UnknownChannels,
    WrongAddress,
)
from majlis.features.workspaces import service as workspaces
from majlis.features.workspaces.model import NoGuests, RoleTooLow, Standing, Workspace
from majlis.kit import clock, crypto, facts, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid
from majlis.kit.limits import Limit
from majlis.kit.me import Me
from majlis.vendors import mail

MAILED = Limit("workspace invites", 200, 24 * 3600)
RESENT_A_DAY = 3


# ---- inviting


async def invite(app: App, me: Me, workspace_id: UUID, body: InviteCreate) -> list[Invite]:
    """A link, or an invitation for each address, which is mailed soon.

    Raises NoWorkspace, RoleTooLow, NoGuests, NeedsChannels, UnknownChannels, Invalid, RateLimited.
    """
    emails = _addresses(body)
    wanted: list[str | None] = [*emails] or [None]
    async with app.db.tx() as tx:
        standing = await workspaces.hold(tx, me, workspace_id)
        await _check_invite(tx, me, standing, body)
        if emails:
            verdict = await app.limiter.hit(MAILED, str(me.user()), len(emails))
            if not verdict.allowed:
                raise app.limiter.refuse(verdict)
        made = [await _invite(app, tx, me, workspace_id, body, email) for email in wanted]
        if emails:
            await facts.emit(tx, *(InviteMailWanted(one.id) for one in made))
    return made


def _addresses(body: InviteCreate) -> list[str]:
    """Whom to mail to, each once. Raises Invalid."""
    if body.kind == "link":
        if body.emails:
            raise Invalid.field("emails", "A link is not mailed.")
        return []
    if not body.emails:
        raise Invalid.field("emails", "Name at least one address.", "required")
    named = [identity.normal_email(email, f"emails[{at}]") for at, email in enumerate(body.emails)]
    return list({email.lower(): email for email in named}.values())


async def _check_invite(tx: Tx, me: Me, standing: Standing, body: InviteCreate) -> None:
    if standing.is_guest or not standing.may(standing.settings.who_can_invite):
        raise RoleTooLow()
    if body.role == "guest":
        if not standing.settings.allow_guests:
            raise NoGuests()
        if not body.channel_ids:
            raise NeedsChannels()
    wanted = {*body.channel_ids}
    if {*await channels.bringable(tx, me, standing.workspace_id, me.user(), wanted)} != wanted:
        raise UnknownChannels()


async def _invite(
    app: App, tx: Tx, me: Me, workspace_id: UUID, body: InviteCreate, email: str | None
) -> Invite:
    now, token = clock.now(), crypto.token() if email is None else None
    row = store.Row(
        ids.new(), workspace_id, me.user(), body.kind, email, body.role, sorted({*body.channel_ids}),
        body.max_uses if email is None else 1, 0, now + timedelta(seconds=body.expires_in_s), None, now,
    )  # fmt: skip
    await tx.run(
        store.INSERT, row.id, row.workspace_id, row.inviter_id, row.kind, row.email, row.role, row.channel_ids,
        row.max_uses, row.expires_at, row.created_at, None if token is None else crypto.digest(token),
    )  # fmt: skip
    return _shown(row, None if token is None else f"{mail.app_url(app.settings)}/invites/{token}")


def _shown(row: store.Row, url: str | None = None) -> Invite:
    return Invite(
        row.id, row.kind, url, row.email, row.role, row.channel_ids, row.expires_at, row.max_uses, row.uses,
        row.inviter_id, _status(row), row.created_at,
    )  # fmt: skip


def _status(row: store.Row) -> InviteStatus:
    """As in the SQL of the list."""
    if row.revoked_at is not None:
        return "revoked"
    if row.max_uses is not None and row.uses >= row.max_uses:
        return "used"
    return "expired" if row.expires_at <= clock.now() else "active"


async def invites(tx: Reader, me: Me, workspace_id: UUID, query: InvitesQuery) -> page.Page[Invite]:
    """Invitations into a workspace, newest first: all for admins, their own for others."""
    standing = await workspaces.standing(tx, me, workspace_id)
    paging = query.paging()
    wanted = (me.user(), workspace_id, clock.now(), standing.is_admin, query.status)
    at, last = None, None
    if paging.cursor:
        at, last = page.decode("invites", paging.cursor, tuple[datetime, UUID])
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.INVITES, *wanted, at, last, paging.limit + 1, offset)
    shown = rows[: paging.limit]
    more = page.encode("invites", shown[-1].created_at, shown[-1].id) if len(rows) > len(shown) else None
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.INVITE_COUNT, *wanted)
    return page.Page([_shown(row) for row in shown], more, total)


async def _own_invite(tx: Tx, me: Me, workspace_id: UUID, invite_id: UUID) -> store.Row:
    """An invitation of the caller's, any for admins. Raises NoWorkspace, NoInvite."""
    standing = await workspaces.standing(tx, me, workspace_id)
    row = await tx.one(store.INVITE, workspace_id, invite_id)
    if row is None or not (standing.is_admin or row.inviter_id == me.id):
        raise NoInvite()
    return row


async def revoke(tx: Tx, me: Me, workspace_id: UUID, invite_id: UUID) -> None:
    """Take an invitation back; again changes nothing. Raises NoWorkspace, NoInvite."""
    row = await _own_invite(tx, me, workspace_id, invite_id)
    await tx.run(store.REVOKE, row.id, clock.now())


async def resend(tx: Tx, me: Me, workspace_id: UUID, invite_id: UUID) -> None:
    """Mail an invitation again: the link of the former mail is void. Raises OnlyMailed, InviteGone, SentOften."""
    row = await _own_invite(tx, me, workspace_id, invite_id)
    if row.kind != "email":
        raise OnlyMailed()
    if _status(row) != "active":
        raise InviteGone()
    if await tx.one(store.RESEND, row.id, clock.now().date(), RESENT_A_DAY) is None:
        raise SentOften(headers={"Retry-After": "86400"})
    await facts.emit(tx, InviteMailWanted(row.id))


async def renew(tx: Tx, me: Me, invite_id: UUID) -> tuple[str, str] | None:
    """The address of an invitation that still stands and a fresh token for it, the only one that counts then."""
    row = await tx.one(store.BY_ID, invite_id)
    if row is None or row.email is None or _status(row) != "active":
        return None
    if await workspaces.face(tx, me, row.workspace_id) is None:
        return None
    token = crypto.token()
    return (row.email, token) if await tx.run(store.SET_TOKEN, row.id, crypto.digest(token)) else None


# ---- accepting


async def invitation(tx: Reader, me: Me, token: str) -> Invitation:
    """What a token invites to. Raises NoInvite, InviteGone."""
    row = await tx.one(store.BY_TOKEN, crypto.digest(token))
    if row is None:
        raise NoInvite()
    workspace = await workspaces.face(tx, me, row.workspace_id)
    name = await tx.one(store.INVITER, row.workspace_id, row.inviter_id, row.created_at)
    if workspace is None or name is None or _status(row) != "active":
        raise InviteGone()
    face = InvitedTo(workspace.name, workspace.slug, workspace.icon_url)
    return Invitation(face, name, row.role, row.expires_at)


async def accept(tx: Tx, me: Me, token: str) -> Accepted:
    """Come into a workspace by an invitation; who is there already changes nothing.

    Raises NoInvite, WrongAddress, NoGuests; InviteGone also for who was taken out after coming by this invitation.
    """
    found = await tx.one(store.BY_TOKEN, crypto.digest(token))
    if found is None:
        raise NoInvite()
    row = await _held(tx, me, token, found.workspace_id)
    if row.email is not None:
        account = await identity.get(tx, me, me.user())
        if account.email.lower() != row.email.lower() or not account.email_verified:
            raise WrongAddress()
    if await workspaces.member(tx, me, row.workspace_id, me.user()) is not None:
        return Accepted(await workspaces.get(tx, me, row.workspace_id), [])
    if _status(row) != "active" or await tx.one(store.USED, row.id, me.user(), clock.now()) is None:
        raise InviteGone()
    await tx.run(store.USE, row.id)
    return Accepted(*await _come(tx, me, row))


async def _held(tx: Tx, me: Me, token: str, workspace_id: UUID) -> store.Row:
    """The invitation, after its workspace: both stay as they are until the transaction ends."""
    if not await workspaces.settle(tx, me, workspace_id):
        raise InviteGone()
    row = await tx.one(store.HOLD, crypto.digest(token))
    if row is None:  # another mail was sent meanwhile
        raise NoInvite()
    return row


async def _come(tx: Tx, me: Me, row: store.Row) -> tuple[Workspace, list[UUID]]:
    if await tx.one(store.INVITER, row.workspace_id, row.inviter_id, row.created_at) is None:
        raise InviteGone()
    await workspaces.join(tx, me, row.workspace_id, row.role)
    workspace = await workspaces.get(tx, me, row.workspace_id)
    if row.role == "guest" and not workspace.settings.allow_guests:
        raise NoGuests()
    # Into what whoever invites may still bring people into.
    wanted = await channels.bringable(tx, me, row.workspace_id, row.inviter_id, row.channel_ids)
    joined = await channels.welcome(tx, me, row.workspace_id, wanted, guest=row.role == "guest")
    return workspace, joined
