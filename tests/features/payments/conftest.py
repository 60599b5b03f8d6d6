"""Servers that take the stand-in for Stripe."""

from collections.abc import Iterator

import pytest

from majlis.vendors import stripe_fake
from majlis.vendors.stripe_fake import Fake
from tests.features.payments.paying import served_by
from tests.world import World


@pytest.fixture
def stripe() -> Iterator[Fake]:
    """The stand-in."""
    with stripe_fake.serving() as running:
        yield running


@pytest.fixture
def town(world: World, stripe: Fake) -> Iterator[World]:
    """A rolled-back world in which people pay."""
    with served_by(world, stripe) as served:
        yield served


@pytest.fixture
def city(clone: World, stripe: Fake) -> Iterator[World]:
    """The same with real connections."""
    with served_by(clone, stripe) as served:
        yield served
