"""A clock that stands still until a test moves it: codes by time depend on nothing else."""

from collections.abc import Iterator

import pytest

from majlis.kit import clock
from tests.features.mfa.factors import Time


@pytest.fixture
def time() -> Iterator[Time]:
    """Ten seconds into a step of codes."""
    moving = Time(clock.now())
    with clock._replaced(lambda: moving.at):
        yield moving
