"""The time, replaceable in tests."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """The present moment, in UTC."""
    return _source()


@contextlib.contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Inside, the clock is ahead by this much (behind, when negative). For tests."""
    global _source
    before = _source
    _source = lambda: before() + by  # noqa: E731
    try:
        yield
    finally:
        _source = before


@contextlib.contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Inside, the clock stands still. For tests."""
    global _source
    before = _source
    _source = lambda: at  # noqa: E731
    try:
        yield
    finally:
        _source = before
