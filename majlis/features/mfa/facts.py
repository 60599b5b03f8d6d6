"""What happens to second factors."""

from uuid import UUID

from majlis.kit.facts import Fact


class MfaEnabled(Fact, frozen=True):
    """A second factor was confirmed; signing in asks for it from now on."""

    user_id: UUID


class MfaDisabled(Fact, frozen=True):
    """The second factor is gone, by its owner or an operator."""

    user_id: UUID


class BackupCodeUsed(Fact, frozen=True):
    """A backup code stood in for the factor."""

    user_id: UUID
