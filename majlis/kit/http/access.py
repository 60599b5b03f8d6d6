"""Policies: who may call a route at all. What they may do there, services decide."""

from typing import Literal

import msgspec

from majlis.kit.me import Me, Role


class Policy(msgspec.Struct, frozen=True):
    """Data, so that tables of routes and callers can be drawn from it."""

    name: str
    token: Literal["ignored", "optional", "needed"]
    strong: bool = False
    role: Role | None = None
    internal: bool = False  # only from the operator's networks

    def admit(self, me: Me) -> None:
        """Raises Unauthenticated or Forbidden when this caller may not come in."""
        if self.token == "needed":
            me.user()
            if self.strong:
                me.require_strong()
            if self.role is not None:
                me.require_role(self.role)


none = Policy("none", "ignored")
internal = Policy("internal", "ignored", internal=True)
optional = Policy("optional", "optional")
user = Policy("user", "needed")
owner = Policy("owner", "needed")  # the service checks whose it is
strong = Policy("aal2", "needed", strong=True)
moderator = Policy("moderator", "needed", role="moderator")
admin = Policy("admin", "needed", role="admin")
