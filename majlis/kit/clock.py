"""The time, replaceable in tests."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta


def _system() -> datetime:
    return datetime.now(UTC)


class _Clock:
    source: Callable[[], datetime] = staticmethod(_system)


def now() -> datetime:
    """The present moment, in UTC."""
    return _Clock.source()


@contextlib.contextmanager
def _replaced(source: Callable[[], datetime]) -> Iterator[None]:
    before = _Clock.source
    _Clock.source = staticmethod(source)
    try:
        yield
    finally:
        _Clock.source = staticmethod(before)


def shifted(by: timedelta) -> contextlib.AbstractContextManager[None]:
    """Inside, the clock is ahead by this much (behind, when negative). For tests and demonstrations."""
    before = _Clock.source
    return _replaced(lambda: before() + by)


def frozen(at: datetime) -> contextlib.AbstractContextManager[None]:
    """Inside, the clock stands still. For tests and demonstrations."""
    return _replaced(lambda: at)
