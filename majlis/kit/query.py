"""A statement and what its rows are."""

import inspect
from typing import Any, Generic, TypeVar, cast

import msgspec

from majlis.kit.geo import Point

T = TypeVar("T")


class Query(Generic[T]):
    """A statement and the type of its rows: a Struct with the same columns in the same order, or a scalar."""

    __slots__ = ("row", "scalar", "sql")

    def __init__(self, row: type[T], sql: str) -> None:
        self.row = row
        self.sql = sql
        # A Point is the value of one column, although it is a Struct.
        kind: Any = row
        self.scalar = kind is Point or not (inspect.isclass(kind) and issubclass(kind, msgspec.Struct))

    def __repr__(self) -> str:
        return f"Query({getattr(self.row, '__name__', self.row)}, {' '.join(self.sql.split())[:60]!r}…)"

    def make(self, record: Any) -> T:
        """One row as its type."""
        return cast(T, record[0]) if self.scalar else self.row(*record)


def in_turn(purpose: int) -> Query[object]:
    """Holds back who asks with the same text until the transaction of who asked before ends; each purpose has a number."""
    return Query(object, f"SELECT pg_advisory_xact_lock(hashtextextended($1, {purpose}))")
