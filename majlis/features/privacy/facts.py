"""What happens to people's privacy."""

from uuid import UUID

from majlis.kit.facts import Fact


class PrivacyChanged(Fact, frozen=True):
    """Somebody made their account private, or public."""

    user_id: UUID
