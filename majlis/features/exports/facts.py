"""What happens to copies of people's data."""

from uuid import UUID

from majlis.kit.facts import Fact


class ExportAsked(Fact, frozen=True):
    """Somebody wants a copy of what the server holds of them."""

    export_id: UUID


class ExportReady(Fact, frozen=True):
    """The copy that somebody asked for can be fetched."""

    user_id: UUID
