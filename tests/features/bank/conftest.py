"""A server that takes the stand-in for Plaid."""

from collections.abc import Iterator

import pytest

from majlis.vendors import plaid_fake
from majlis.vendors.plaid_fake import Fake
from tests.features.bank.banking import served_by
from tests.world import World


@pytest.fixture
def banks() -> Iterator[Fake]:
    """The stand-in."""
    with plaid_fake.serving() as running:
        yield running


@pytest.fixture
def town(world: World, banks: Fake) -> World:
    """A rolled-back world whose people may connect banks."""
    return served_by(world, banks)


@pytest.fixture
def city(clone: World, banks: Fake) -> World:
    """The same with real connections."""
    return served_by(clone, banks)
