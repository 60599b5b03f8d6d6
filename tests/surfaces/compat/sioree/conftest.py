"""Servers that take the stand-ins for Stripe, Plaid and the social networks."""

from tests.features.bank.conftest import banks as banks
from tests.features.connections.conftest import networks as networks
from tests.features.payments.conftest import city as city
from tests.features.payments.conftest import stripe as stripe
from tests.features.payments.conftest import town as town
