"""Finds the route of a path: a trie of segments, static before parameter."""

from typing import Any

Match = tuple[dict[str, Any], dict[str, str]]  # (method -> route, parameters)


class _Node:
    __slots__ = ("methods", "parameter", "rest", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.rest: dict[str, tuple[Any, tuple[str, ...]]] = {}
        self.methods: dict[str, tuple[Any, tuple[str, ...]]] = {}


class Router:
    """Routes by method and path. `{name}` holds one segment, `{name...}` all that follow."""

    def __init__(self) -> None:
        self._root = _Node()
        self._plain: dict[tuple[str, str], Any] = {}

    def add(self, method: str, path: str, route: Any) -> None:
        """Raises ValueError when method and path are taken."""
        node, names, rest = self._root, [], False
        for part in path.strip("/").split("/"):
            if part.endswith("...}"):
                names.append(part[1:-4])
                rest = True
            elif part.startswith("{"):
                names.append(part[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.static.setdefault(part, _Node())
        leaf = node.rest if rest else node.methods
        if method in leaf:
            raise ValueError(f"{method} {path} is served twice")
        leaf[method] = (route, tuple(names))
        if not names:
            self._plain[method, path] = route

    def find(self, method: str, path: str) -> tuple[Any, dict[str, str]] | None:
        """The route and its path parameters, or None."""
        route = self._plain.get((method, path))
        if route is not None:
            return route, {}
        found = _search(self._root, path.strip("/").split("/"), 0, [], method)
        if found is None:
            return None
        (route, names), values = found
        return route, dict(zip(names, values, strict=True))

    def methods(self, path: str) -> list[str]:
        """Every method that this path is served with."""
        known = ("GET", "POST", "PUT", "PATCH", "DELETE")
        return [method for method in known if self.find(method, path)]


def _search(
    node: _Node, parts: list[str], at: int, values: list[str], method: str
) -> tuple[tuple[Any, tuple[str, ...]], list[str]] | None:
    # As long as there is only one way to go, there is nothing to come back to.
    while at < len(parts) and node.parameter is None and not node.rest:
        only = node.static.get(parts[at])
        if only is None:
            return None
        node, at = only, at + 1
    if at == len(parts):
        leaf = node.methods.get(method)
        return None if leaf is None else (leaf, values)
    part = parts[at]
    child = node.static.get(part)
    if child is not None:
        found = _search(child, parts, at + 1, values, method)
        if found is not None:
            return found
    if node.parameter is not None and part:
        found = _search(node.parameter, parts, at + 1, [*values, part], method)
        if found is not None:
            return found
    leaf = node.rest.get(method)
    return None if leaf is None else (leaf, [*values, "/".join(parts[at:])])
