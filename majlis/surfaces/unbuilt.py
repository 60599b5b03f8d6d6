"""Operations of contracts that are not built yet: they answer 501, so that clients can tell."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

from majlis.kit import http
from majlis.kit.errors import NotBuilt
from majlis.kit.http import Api, access

# Of the native door; other doors have tables of their own. Whoever builds one removes its line;
# tests/test_contracts.py holds these tables against what is served.
TABLE = """
"""


def operations(table: str | None = None) -> list[tuple[str, str]]:
    """(method, path) of everything in a table, else the native door's."""
    lines = (TABLE if table is None else table).split("\n")
    return [(method, path) for method, path in (line.split() for line in lines if line)]


def api(built: Iterable[Api], table: str | None = None) -> Api:
    """What remains of a table, else the native door's, beside these routes."""
    served = {(route.method, _form(route.path)) for part in built for route in part.routes}
    remaining = http.Api("unbuilt")
    for method, path in operations(table):
        if (method, _form(path)) not in served:
            register = remaining.route(
                method, path, policy=access.none, documented=False, idempotent=False, errors=(501,)
            )
            register(_handler(re.findall(r"{(\w+)}", path)))
    return remaining


def _form(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"{[^}]*}", "{}", path)


def _handler(names: list[str]) -> Any:
    """A handler with these path parameters."""

    async def not_built(**values: str) -> None:
        raise NotBuilt()

    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    not_built.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    not_built.__annotations__ = dict.fromkeys(names, str)
    return not_built
