"""Verbs of reports, and of moderators about them.

Those of reports return the report and whether it is new; a second one about the same is answered with the first
while that is open (rule 99). Each report is in the queue by a trigger of its table.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.audit import service as audit
from majlis.features.audit.model import Decision
from majlis.features.businesses import service as businesses
from majlis.features.comments import service as comments
from majlis.features.filters import service as filters
from majlis.features.filters.model import Rule, RuleBody
from majlis.features.graph import service as graph
from majlis.features.identity import service as identity
from majlis.features.media.model import Photo
from majlis.features.moderation import store
from majlis.features.moderation.facts import Decided
from majlis.features.moderation.model import (
    Action,
    Case,
    CaseDetail,
    CasesQuery,
    ClaimedByOther,
    Closed,
    Escalated,
    Kind,
    Member,
    NotSuspended,
    OpenBody,
    Outranked,
    OwnContent,
    Report,
    ReportBody,
    StillHeld,
    UserReport,
    UserReportBody,
    WrongKind,
    title_of,
)
from majlis.features.notifications import service as notifications
from majlis.features.posts import service as posts
from majlis.features.sessions import service as sessions
from majlis.kit import clock, facts, ids, page
from majlis.kit.db import Query, Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.me import RANK, Me, Origin, Role

OPEN_STATES = ("PENDING", "REVIEWED")
CLAIM_LIFE = timedelta(hours=1)
LONGEST = timedelta(days=3650)


def _reason(text: str) -> str:
    words = text.strip()
    if not words:
        raise Invalid.field("reason", "Give a reason.", "required")
    return words


async def report_user(tx: Tx, me: Me, user_id: UUID, body: UserReportBody) -> tuple[UserReport, bool]:
    """Report a person (rule 98). Raises NotFound, OwnContent, Invalid without a reason."""
    if user_id == me.user():
        raise OwnContent()
    await graph.visible_person(tx, me, user_id)
    report_id = ids.new()
    report = await tx.one(
        store.REPORT_USER, report_id, user_id, me.id, _reason(body.reason), body.description, clock.now()
    )
    if report is None:
        raise LookupError("an upsert returns its row")
    return report, report.id == report_id


async def report_post(tx: Tx, me: Me, post_id: UUID, body: ReportBody) -> tuple[Report, bool]:
    """Report a post (rule 95). Raises NotFound, OwnContent, Invalid without a reason."""
    post = await posts.get(tx, me, post_id)
    if post.user_id == me.user():
        raise OwnContent()
    row, new = await _store(tx, me, store.REPORT_POST, post_id, body)
    return _report(row, post_id=row.target), new


async def report_comment(tx: Tx, me: Me, comment_id: UUID, body: ReportBody) -> tuple[Report, bool]:
    """Report a comment (rule 96). Raises NotFound, OwnContent, Invalid without a reason."""
    comment = await comments.get(tx, me, comment_id)
    if comment.deleted:
        raise NotFound()
    if comment.user_id == me.user():
        raise OwnContent()
    row, new = await _store(tx, me, store.REPORT_COMMENT, comment_id, body)
    return _report(row, comment_id=row.target), new


async def report_business(tx: Tx, me: Me, business_id: UUID, body: ReportBody) -> tuple[Report, bool]:
    """Report a business (rule 97). Raises NotFound, OwnContent, Invalid without a reason."""
    if await businesses.owner_of(tx, me, business_id) == me.user():
        raise OwnContent()
    row, new = await _store(tx, me, store.REPORT_BUSINESS, business_id, body)
    return _report(row, business_id=row.target), new


async def _store(
    tx: Tx, me: Me, query: Query[store.Row], target: UUID, body: ReportBody
) -> tuple[store.Row, bool]:
    report_id = ids.new()
    row = await tx.one(
        query, report_id, me.user(), target, _reason(body.reason), body.additional_comments, clock.now()
    )
    if row is None:
        raise LookupError("an upsert returns its row")
    return row, row.id == report_id


def _report(row: store.Row, **target: UUID) -> Report:
    values = msgspec.structs.asdict(row)
    del values["target"]
    return Report(**{**values, **target})


# ---- cases


async def queue(tx: Reader, me: Me, query: CasesQuery) -> page.Page[Case]:
    """The cases that moderators look at, but for those about oneself. One query, and one for a total."""
    me.require_role("moderator")
    paging, wanted = query.paging(), store.Listing(me.id, query)
    kind, total = f"cases:{query.sort}", None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(wanted.count(), *wanted.args)
    if paging.cursor:
        wanted.after(*page.decode(kind, paging.cursor, wanted.cursor))
    rows = await tx.all(wanted.page(paging.limit, 0 if paging.cursor else paging.offset or 0), *wanted.args)
    shown = rows[: paging.limit]
    more = len(rows) > paging.limit
    following = page.encode(kind, *(getattr(shown[-1], key) for key in wanted.keys)) if more else None
    return page.Page([Case(**_case(row)) for row in shown], following, total)


def _case(row: store.CaseRow) -> dict[str, Any]:
    """The fields of a case."""
    values = msgspec.structs.asdict(row)
    own = {name: values.pop(name) for name in Member.__struct_fields__ if name in values and name != "id"}
    avatar = None if row.avatar is None else msgspec.json.decode(row.avatar, type=Photo)
    person = Member(**{**own, "id": values.pop("person_id"), "avatar": avatar})
    return {**values, "person": person}


async def look(tx: Reader, me: Me, case_id: UUID) -> CaseDetail:
    """One case with everything about it, in four queries. Raises NotFound, also for one about the caller."""
    me.require_role("moderator")
    row = await tx.one(store.ONE, me.id, case_id)
    contents = await tx.one(store.CONTENTS, case_id)
    if row is None or contents is None:
        raise NotFound()
    kind = cast(Kind, row.kind)
    return CaseDetail(
        **_case(row),
        snapshot=msgspec.json.decode(contents.snapshot),
        current=None if contents.current is None else msgspec.json.decode(contents.current),
        reports=await tx.all(store.REPORTS[kind], row.target_id),
        history=await tx.all(store.HISTORY, row.person_id),
    )


async def open_case(tx: Tx, me: Me, body: OpenBody) -> tuple[CaseDetail, bool]:
    """A case about something that nobody reported, or the open one; whether it is new. Raises NotFound."""
    me.require_role("moderator")
    if not me.is_system:
        await _SEEN[body.kind](tx, me, body.target_id)
    case_id = ids.new()
    found = await tx.one(store.OPEN, case_id, body.kind, body.target_id, "moderator", clock.now())
    if found is None:
        raise NotFound()
    return await look(tx, me, found), found == case_id


_SEEN: dict[Kind, Callable[[Tx, Me, UUID], Awaitable[Any]]] = {
    "post": posts.get,
    "comment": comments.get,
    "user": graph.visible_person,
    "business": businesses.owner_of,
}


async def open_held(tx: Tx, me: Me, kind: Kind, target: UUID) -> None:
    """A case about something that waits for a moderator; none when it waits no more. For the server itself."""
    me.require_role("admin")
    held = await tx.one(store.HELD, kind, target)
    if held is None:
        return
    case_id = ids.new()
    if await tx.one(store.OPEN, case_id, kind, target, "filter", clock.now()) == case_id:
        what = Decision(
            action="hold", kind=kind, target_id=target, person_id=held.person, case_id=case_id,
            reason=held.reason or "",
        )  # fmt: skip
        await audit.record(tx, me, what)


async def _locked(tx: Tx, me: Me, case_id: UUID, *, for_good: bool = True) -> store.Locked:
    """A case that the caller may act on. Raises NotFound, Outranked, Escalated, ClaimedByOther."""
    me.require_role("moderator")
    case = await tx.one(store.LOCK, me.id, case_id)
    if case is None:
        raise NotFound()
    if me.is_system or not for_good:
        return case
    if me.role != "admin":
        if RANK[case.role] >= RANK[me.role]:
            raise Outranked()
        if case.escalated:
            raise Escalated()
        free = case.claimed_at is None or case.claimed_at <= clock.now() - CLAIM_LIFE
        if case.state in OPEN_STATES and case.claimed_by not in (None, me.id) and not free:
            raise ClaimedByOther()
    return case


async def claim(tx: Tx, me: Me, case_id: UUID, claimed: bool) -> CaseDetail:
    """Take a case for an hour, so that no two look at it, or leave it to others. Raises as `decide` does."""
    case = await _locked(tx, me, case_id)
    if case.state not in OPEN_STATES:
        raise Closed()
    state = "REVIEWED" if claimed else "PENDING"
    held = (me.id, clock.now()) if claimed else (None, None)
    await tx.run(store.CLAIM, case.id, state, *held)
    await tx.all(store.MARK[case.kind], case.target_id, state, clock.now())
    return await look(tx, me, case_id)


async def escalate(tx: Tx, me: Me, origin: Origin, case_id: UUID, reason: str) -> CaseDetail:
    """Leave a case to the admins. Raises NotFound, Closed, Invalid."""
    case = await _locked(tx, me, case_id, for_good=False)
    if case.state not in OPEN_STATES:
        raise Closed()
    await tx.run(store.ESCALATE, case.id)
    await _record(tx, me, origin, case, "escalate", _reason(reason))
    return await look(tx, me, case_id)


# ---- decisions


async def decide(
    app: App,
    tx: Tx,
    me: Me,
    origin: Origin,
    case_id: UUID,
    action: Action,
    reason: str,
    until: datetime | None = None,
) -> CaseDetail:
    """Do something about a case and tell the person concerned why, and of a dismissal who reported it.

    Raises NotFound, Outranked, Escalated, ClaimedByOther, Invalid; Closed, AlreadyHidden, NotHidden, StillHeld,
    NotSuspended or WrongKind when there is nothing to do.
    """
    case, words = await _locked(tx, me, case_id), _reason(reason)
    await _act(app, tx, me, case, action, words, until)
    entry = await _record(tx, me, origin, case, action, words, until=until)
    concerned: list[UUID] = [case.person_id]
    if case.state in OPEN_STATES:
        state = "RESOLVED" if action in ("hide", "suspend") else "DISMISSED"
        await tx.run(store.DECIDE, case.id, state, clock.now())
        reporters = await tx.all(store.MARK[case.kind], case.target_id, state, clock.now())
        concerned = reporters if action == "dismiss" else concerned
    title = title_of(action, case.kind)
    data: dict[str, Any] = {"action": action, **({"until": until} if until else {})}
    if action != "dismiss":
        data["user_id" if case.kind == "user" else f"{case.kind}_id"] = case.target_id
        await facts.emit(tx, Decided(entry))
    for person in sorted(concerned):
        await notifications.inform(tx, me, "SYSTEM", person, title, words, entry, **data)
    return await look(tx, me, case_id)


async def _act(
    app: App, tx: Tx, me: Me, case: store.Locked, action: Action, words: str, until: datetime | None
) -> None:
    if action == "dismiss":
        if case.state not in OPEN_STATES:
            raise Closed()
        if case.hidden_as in ("HELD_NEW", "HELD"):
            raise StillHeld()
    elif action in ("hide", "restore"):
        if case.kind == "user":
            raise WrongKind()
        if action == "hide":
            await _HIDE[case.kind](tx, me, case.target_id, words)
        else:
            await _RESTORE[case.kind](tx, me, case.target_id)
    else:
        if until is not None and not clock.now() < until < clock.now() + LONGEST:
            raise Invalid.field("until", "A suspension ends within the next ten years.")
        if action == "unsuspend" and not case.suspended:
            raise NotSuspended()
        account, closed = await identity.get(tx, me, case.person_id), action == "suspend"
        done = await sessions.suspend(app, tx, me, account.email, closed, until=until, reason=words)
        if done != case.person_id:
            raise NotFound()  # deleted at this moment, and the address is somebody else's now


_HIDE = {"post": posts.hide, "comment": comments.hide, "business": businesses.hide}
_RESTORE = {"post": posts.restore, "comment": comments.restore, "business": businesses.restore}


async def _record(
    tx: Tx, me: Me, origin: Origin, case: store.Locked, action: str, words: str, **data: Any
) -> UUID:
    what = Decision(
        action=action, kind=case.kind, reason=words, target_id=case.target_id, person_id=case.person_id,
        case_id=case.id, ip=origin.ip, data={name: value for name, value in data.items() if value} or None,
    )  # fmt: skip
    return await audit.record(tx, me, what)


async def suspend(
    app: App, tx: Tx, me: Me, email: str, suspended: bool, reason: str, until: datetime | None = None
) -> None:
    """Close the account with this address or open it again, as an operator does. Raises as `decide` does."""
    account = await identity.find(tx, me, email)
    if account is None:
        raise NotFound(f"There is no account {email}.")
    case, _ = await open_case(tx, me, OpenBody(kind="user", target_id=account.id))
    action: Action = "suspend" if suspended else "unsuspend"
    await decide(app, tx, me, Origin(), case.id, action, reason, until)


async def set_role(app: App, tx: Tx, me: Me, email: str, role: Role) -> None:
    """Give an account a role, as an operator does, and note it in the audit trail. Raises NotFound."""
    person = await sessions.set_role(app, tx, me, email, role)
    what = Decision(
        action="role", kind="user", target_id=person, person_id=person, reason=f"The role is {role}."
    )
    await audit.record(tx, me, what)


async def lift(app: App, tx: Tx, me: Me) -> None:
    """Open the accounts again whose suspension is over, and tell their owners. For the server itself."""
    for person in await identity.lift(tx, me):
        sessions.forget(app, tx, person)
        over = "The time of the suspension is over."
        what = Decision(action="unsuspend", kind="user", target_id=person, person_id=person, reason=over)
        entry = await audit.record(tx, me, what)
        told = title_of("unsuspend", "user")
        await notifications.inform(tx, me, "SYSTEM", person, told, over, entry, action="unsuspend")
        await facts.emit(tx, Decided(entry))


# ---- words and links


async def add_rule(tx: Tx, me: Me, origin: Origin, body: RuleBody) -> Rule:
    """A word or link that is refused or held from now on. Raises Invalid, RuleExists."""
    rule = await filters.add_rule(tx, me, body)
    await _record_rule(tx, me, origin, "add_filter", rule)
    return rule


async def remove_rule(tx: Tx, me: Me, origin: Origin, rule_id: UUID) -> None:
    """Take a rule away. Raises NotFound."""
    await _record_rule(tx, me, origin, "remove_filter", await filters.remove_rule(tx, me, rule_id))


async def _record_rule(tx: Tx, me: Me, origin: Origin, action: str, rule: Rule) -> None:
    what = Decision(
        action=action, kind="filter", target_id=rule.id, reason=rule.note or rule.pattern, ip=origin.ip,
        data={"kind": rule.kind, "pattern": rule.pattern, "action": rule.action},
    )  # fmt: skip
    await audit.record(tx, me, what)
