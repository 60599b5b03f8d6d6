"""Paths as logs and traces show them: without the secrets that some routes carry in theirs."""

import re

SECRETS = ("{secret}", "{token}")
HIDDEN = "•••"


class Veil:
    """Knows where the secrets stand, also in requests of another method or with more behind it."""

    def __init__(self) -> None:
        self._fixed: tuple[str, ...] = ()  # what such paths begin with, for a quick look at all others
        self._before: list[re.Pattern[str]] = []

    def add(self, path: str) -> None:
        """A route's path."""
        at = min((found for found in map(path.find, SECRETS) if found >= 0), default=None)
        if at is None:
            return
        parts = path[:at].strip("/").split("/")
        self._fixed = tuple({*self._fixed, "/" + path.strip("/").split("/{")[0]})
        wanted = "".join("/+" + ("[^/]+" if part.startswith("{") else re.escape(part)) for part in parts)
        self._before.append(re.compile(wanted + "/+"))

    def shown(self, path: str) -> str:
        """The path, cut where a secret begins."""
        if path.startswith("//"):
            path = "/" + path.lstrip("/")
        if path.startswith(self._fixed):
            for pattern in self._before:
                if (found := pattern.match(path)) is not None:
                    return found[0] + HIDDEN
        return path
