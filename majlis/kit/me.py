"""Who is calling."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from majlis.kit.errors import Forbidden, Unauthenticated

Role = Literal["user", "moderator", "admin"]
RANK: dict[str, int] = {"user": 0, "moderator": 1, "admin": 2}


class Me(msgspec.Struct, frozen=True):
    """The caller of a service. Nobody is `Me.anonymous`; background work is `Me.system`."""

    id: UUID | None = None
    session: UUID | None = None
    role: Role = "user"
    aal: int = 1
    mfa: bool = False  # whether a second factor is set up, so that level 2 can be demanded
    verified: bool = False
    is_system: bool = False
    door: str = ""  # at which the token counts; empty for the native one
    until: datetime | None = None  # when that token is over

    anonymous: ClassVar["Me"]
    system: ClassVar["Me"]

    def user(self) -> UUID:
        """The id of the signed-in caller. Raises Unauthenticated for anybody else."""
        if self.id is None:
            raise Unauthenticated()
        return self.id

    def require_role(self, role: Role) -> None:
        """Raises Forbidden unless the caller has at least this role."""
        if not self.is_system and RANK[self.role] < RANK[role]:
            raise Forbidden()

    def require_strong(self) -> None:
        """Raises Forbidden (aal2_required) when a second factor exists but was not shown."""
        if self.mfa and self.aal < 2:
            raise Forbidden("Confirm with your second factor first.", code="aal2_required")


Me.anonymous = Me()
Me.system = Me(is_system=True, role="admin")


class Origin(msgspec.Struct, frozen=True):
    """Where a request came from, for sessions, limits and the audit trail."""

    ip: str = ""
    user_agent: str = ""
