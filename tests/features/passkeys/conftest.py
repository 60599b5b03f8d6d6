"""The clock of the second factors' tests."""

from tests.features.mfa.conftest import time as time
