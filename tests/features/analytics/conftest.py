"""Servers that take the stand-in for Stripe."""

from tests.features.payments.conftest import city as city
from tests.features.payments.conftest import stripe as stripe
from tests.features.payments.conftest import town as town
