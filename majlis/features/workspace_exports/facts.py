"""What happens to exports of workspaces."""

from uuid import UUID

from majlis.kit.facts import Fact


class WorkspaceExportAsked(Fact, frozen=True):
    """Somebody wants a zip of what was said in a workspace."""

    export_id: UUID
