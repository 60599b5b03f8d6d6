"""Rows of reports and cases. While a report is open, the same reporter has no second one about the same."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.moderation.model import CaseEntry, CaseReport, CasesQuery, Kind, UserReport
from majlis.kit import page
from majlis.kit.db import Query

# The no-op update returns the row that was there, and waits for one that another request is just storing.
REPORT_USER = Query(
    UserReport,
    """INSERT INTO user_reports
      (id, reported_user, reported_by_id, reason, description, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6)
    ON CONFLICT (reported_by_id, reported_user) WHERE NOT resolved DO UPDATE SET reason = user_reports.reason
    RETURNING id, reported_user, reported_by_id, reason, description, resolved, created_at, updated_at""",
)


class Row(msgspec.Struct):
    """A report about something published."""

    id: UUID
    user_id: UUID
    target: UUID
    reason: str
    additional_comments: str | None
    report_status: str
    created_at: datetime
    updated_at: datetime


_INTO = """INTO {table} (id, user_id, {target}, reason, additional_comments, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT (user_id, {target}) WHERE report_status IN ('PENDING', 'REVIEWED') DO UPDATE SET reason = {table}.reason
RETURNING id, user_id, {target} AS target, reason, additional_comments, report_status, created_at, updated_at
"""
REPORT_POST = Query(Row, "INSERT " + _INTO.format(table="post_reports", target="post_id"))
REPORT_COMMENT = Query(Row, "INSERT " + _INTO.format(table="comment_reports", target="comment_id"))
REPORT_BUSINESS = Query(Row, "INSERT " + _INTO.format(table="business_reports", target="business_id"))

# ---- cases


class CaseRow(msgspec.Struct):
    """A case with the person it is about."""

    id: UUID
    kind: str
    target_id: UUID
    person_id: UUID
    first_name: str | None
    last_name: str | None
    avatar: msgspec.Raw | None
    role: str
    suspended_at: datetime | None
    suspended_until: datetime | None
    state: str
    source: str
    total_reports: int
    escalated: bool
    hidden_as: str | None
    claimed_by: UUID | None
    claimed_at: datetime | None
    excerpt: str | None
    opened_at: datetime
    reported_at: datetime
    decided_at: datetime | None


_HIDDEN = """CASE c.kind WHEN 'post' THEN (SELECT t.hidden_as FROM posts t WHERE t.id = c.target_id)
    WHEN 'comment' THEN (SELECT t.hidden_as FROM post_comments t WHERE t.id = c.target_id)
    WHEN 'business' THEN (SELECT t.hidden_as FROM business_profiles t WHERE t.id = c.target_id) END AS hidden_as"""
_COLUMNS = f"""c.id, c.kind, c.target_id, c.person_id, w.first_name, w.last_name, w.avatar, u.role, u.suspended_at,
  u.suspended_until, c.state, c.source, c.total_reports, c.escalated, {_HIDDEN}, c.claimed_by, c.claimed_at,
  left(coalesce(c.snapshot ->> 'title', c.snapshot ->> 'text', c.snapshot ->> 'description',
    c.snapshot ->> 'name', concat_ws(' ', c.snapshot ->> 'first_name', c.snapshot ->> 'last_name')), 200) AS excerpt,
  c.opened_at, c.reported_at, c.decided_at"""
_FROM = "FROM moderation_cases c JOIN users u ON u.id = c.person_id JOIN profiles w ON w.id = c.person_id"
# Nobody looks at cases about themselves: they would learn who reported them.
_OTHERS = "c.person_id IS DISTINCT FROM $1"

ONE = Query(CaseRow, f"SELECT {_COLUMNS} {_FROM} WHERE {_OTHERS} AND c.id = $2")


class Contents(msgspec.Struct):
    """What there was and what there is to see."""

    snapshot: msgspec.Raw
    current: msgspec.Raw | None


CONTENTS = Query(
    Contents,
    """SELECT media_shown(c.snapshot::text)::jsonb AS snapshot,
      (SELECT content FROM moderation_content(c.kind, c.target_id)) AS current
    FROM moderation_cases c WHERE c.id = $1""",
)
HISTORY = Query(
    CaseEntry,
    """SELECT e.id, e.action, e.kind, e.target_id, e.case_id, e.actor_id, a.first_name, a.last_name, e.reason,
      e.created_at
    FROM audit_entries e LEFT JOIN profiles a ON a.id = e.actor_id
    WHERE e.person_id = $1 ORDER BY e.created_at DESC, e.id DESC LIMIT 100""",
)


def _reports(table: str, target: str, reporter: str, words: str, status: str) -> Query[CaseReport]:
    return Query(
        CaseReport,
        f"""SELECT r.id, r.{reporter} AS reporter_id, a.first_name, a.last_name, r.reason, r.{words} AS words,
          {status} AS status, r.created_at
        FROM {table} r JOIN profiles a ON a.id = r.{reporter}
        WHERE r.{target} = $1 ORDER BY r.created_at DESC, r.id DESC LIMIT 100""",
    )


_ABOUT_USER = "CASE WHEN r.resolved THEN 'RESOLVED' ELSE 'PENDING' END"
REPORTS: dict[Kind, Query[CaseReport]] = {
    "user": _reports("user_reports", "reported_user", "reported_by_id", "description", _ABOUT_USER),
    "post": _reports("post_reports", "post_id", "user_id", "additional_comments", "r.report_status"),
    "comment": _reports("comment_reports", "comment_id", "user_id", "additional_comments", "r.report_status"),
    "business": _reports(
        "business_reports", "business_id", "user_id", "additional_comments", "r.report_status"
    ),
}


def _mark(table: str) -> Query[UUID]:
    """Give the open reports about $1 the state $2; who made them."""
    return Query(
        UUID,
        f"""UPDATE {table}_reports SET report_status = $2, updated_at = $3
        WHERE {table}_id = $1 AND report_status IN ('PENDING', 'REVIEWED') RETURNING user_id""",
    )


MARK: dict[Kind, Query[UUID]] = {
    "user": Query(
        UUID,
        """UPDATE user_reports SET resolved = $2::text IN ('RESOLVED', 'DISMISSED'), updated_at = $3
        WHERE reported_user = $1 AND NOT resolved RETURNING reported_by_id""",
    ),
    "post": _mark("post"),
    "comment": _mark("comment"),
    "business": _mark("business"),
}

OPEN = Query(UUID, "SELECT moderation_case_open($1, $2, $3, $4, 0, $5)")


class Held(msgspec.Struct):
    """Something that may wait for a moderator."""

    person: UUID
    reason: str | None


HELD = Query(
    Held,
    """SELECT person, content ->> 'hidden_reason' AS reason FROM moderation_content($1, $2)
    WHERE hidden_as IN ('HELD_NEW', 'HELD')""",
)


class Locked(msgspec.Struct):
    """A case under its lock, and the account that it is about."""

    id: UUID
    kind: Kind
    target_id: UUID
    person_id: UUID
    state: str
    escalated: bool
    claimed_by: UUID | None
    claimed_at: datetime | None
    hidden_as: str | None
    role: str
    suspended: bool


LOCK = Query(
    Locked,
    f"""SELECT c.id, c.kind, c.target_id, c.person_id, c.state, c.escalated, c.claimed_by, c.claimed_at, {_HIDDEN},
      u.role, u.suspended_at IS NOT NULL AS suspended
    FROM moderation_cases c JOIN users u ON u.id = c.person_id
    WHERE {_OTHERS} AND c.id = $2 FOR NO KEY UPDATE OF c""",
)
CLAIM = "UPDATE moderation_cases SET state = $2, claimed_by = $3, claimed_at = $4 WHERE id = $1"
ESCALATE = """
UPDATE moderation_cases SET escalated = true, state = 'PENDING', claimed_by = NULL, claimed_at = NULL WHERE id = $1
"""
DECIDE = "UPDATE moderation_cases SET state = $2, decided_at = $3 WHERE id = $1"

_KEYS: dict[str, tuple[tuple[str, ...], str, Any]] = {
    "reports": (("total_reports", "opened_at", "id"), "DESC", tuple[int, datetime, UUID]),
    "recent": (("reported_at", "id"), "DESC", tuple[datetime, UUID]),
    "oldest": (("opened_at", "id"), "ASC", tuple[datetime, UUID]),
}


class Listing:
    """The queue put together from filters, an order and a place in it."""

    def __init__(self, viewer: UUID | None, query: CasesQuery) -> None:
        self.args: list[Any] = [viewer]
        self.keys, self._direction, self.cursor = _KEYS[query.sort]
        self._where = [_OTHERS, *self._filters(viewer, query)]

    def _filters(self, viewer: UUID | None, query: CasesQuery) -> Iterator[str]:
        # Open ones are named by the words of the index that holds nothing else.
        yield (
            f"c.state = ANY ({self._arg(query.state)}::text[])"
            if query.state is not None
            else "c.state IN ('PENDING', 'REVIEWED')"
        )
        if query.kind is not None:
            yield f"c.kind = ANY ({self._arg(query.kind)}::text[])"
        for name in ("claimed_by", "person_id", "target_id", "escalated"):
            value = getattr(query, name)
            if value is not None:
                yield f"c.{name} = {self._arg(value)}"
        if query.claimed == "nobody":
            yield "c.claimed_by IS NULL"
        elif query.claimed is not None:
            yield f"c.claimed_by {'=' if query.claimed == 'me' else '<>'} {self._arg(viewer)}"

    def _arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def after(self, *values: Any) -> None:
        """Begin behind the case with these sort keys."""
        marks = ", ".join(self._arg(value) for value in values)
        sign = "<" if self._direction == "DESC" else ">"
        self._where.append(f"({', '.join(f'c.{key}' for key in self.keys)}) {sign} ({marks})")

    def count(self) -> Query[int]:
        """How many there are, up to a ceiling."""
        rows = f"SELECT 1 FROM moderation_cases c WHERE {' AND '.join(self._where)} LIMIT {page.MAX_OFFSET}"
        return Query(int, f"SELECT count(*) FROM ({rows}) AS found")

    def page(self, limit: int, offset: int) -> Query[CaseRow]:
        """One more than a page."""
        order = ", ".join(f"c.{key} {self._direction}" for key in self.keys)
        size = f"LIMIT {self._arg(limit + 1)} OFFSET {self._arg(offset)}"
        where = " AND ".join(self._where)
        return Query(CaseRow, f"SELECT {_COLUMNS} {_FROM} WHERE {where} ORDER BY {order} {size}")


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    nobody, now = UUID(int=0), datetime(2026, 1, 1, tzinfo=UTC)
    found = [query.sql for table in (REPORTS, MARK) for query in table.values()]
    for sort in _KEYS:
        for claimed in ("me", "others", "nobody"):
            query = CasesQuery(
                state=["PENDING"], kind=["post"], claimed=claimed, claimed_by=nobody,
                person_id=nobody, target_id=nobody, escalated=True, sort=sort,  # type: ignore[arg-type]
            )  # fmt: skip
            listing = Listing(nobody, query)
            found.append(listing.count().sql)
            listing.after(*([1, now, nobody] if sort == "reports" else [now, nobody]))
            found.append(listing.page(20, 0).sql)
    return [*found, Listing(nobody, CasesQuery()).page(20, 0).sql]
