"""Requests and answers as they stand in fixtures, and how an answer is compared with the one that is expected."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.surfaces.compat import notation
from tests.surfaces.compat.notation import TIME

UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*")
NUMBER = notation.KINDS["number"]
KINDS: Mapping[str, Callable[[Any], bool]] = {
    "words": lambda value: isinstance(value, str) and value.strip() != "",
    "int": lambda value: type(value) is int and value >= 0,
    "url": lambda value: isinstance(value, str) and urlsplit(value).scheme != "",
    "jwt": lambda value: isinstance(value, str) and JWT.fullmatch(value) is not None,
    "value": lambda value: value is not None,
}


class File(msgspec.Struct, forbid_unknown_fields=True):
    """A file of a form; `size` lets it be followed by so many zeros."""

    base64: str
    name: str = "a.jpg"
    size: int = 0

    def data(self) -> bytes:
        return base64.b64decode(self.base64).ljust(self.size, b"\0")


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What the app sends; the path is relative to the mount."""

    method: str
    path: str
    headers: dict[str, str] = {}
    body: Any = None
    files: list[tuple[str, File]] = []
    fields: dict[str, str] = {}
    repeat: int = 0  # how often it was sent before


class Response(msgspec.Struct, forbid_unknown_fields=True):
    """What the app expects. Content that is not JSON `begins` so; without either there is none."""

    status: int
    headers: dict[str, str] = {}
    body: Any = msgspec.UNSET
    begins: str | None = None


class Pair(msgspec.Struct, forbid_unknown_fields=True):
    """A request and its answer. `given` names what the scene must have besides the values it mentions."""

    name: str
    request: Request
    response: Response
    given: list[str] = []
    like: dict[str, str] = {}  # kinds by place: {"body.size": "int"}


class Recording(msgspec.Struct, forbid_unknown_fields=True):
    """The pairs of an operation."""

    operation: str
    pairs: list[Pair]


class Differences:
    """Compares an answer with the example, and learns which id stands for which."""

    def __init__(self, known: dict[str, str], pair: Pair, extra: Mapping[str, set[str]]) -> None:
        self.known = known
        self.like = pair.like
        self.extra = extra
        self.sent = json.dumps(msgspec.to_builtins(pair.request))

    def of(self, wanted: Any, found: Any, at: str = "body") -> Iterator[str]:
        """Every place at which they differ."""
        if at in self.like:
            if not KINDS[self.like[at]](found):
                yield f"{at}: {found!r} is not {self.like[at]}"
        elif isinstance(wanted, dict) and isinstance(found, dict):
            allowed = wanted.keys() | self.extra.get(at, set())
            yield from (f"{at}.{name} is missing" for name in wanted.keys() - found.keys())
            yield from (f"{at}.{name} is not expected" for name in found.keys() - allowed)
            for name in wanted.keys() & found.keys():
                yield from self.of(wanted[name], found[name], f"{at}.{name}")
        elif isinstance(wanted, list) and isinstance(found, list):
            if len(wanted) != len(found):
                yield f"{at}: {len(found)} in place of {len(wanted)}"
            for index, (one, other) in enumerate(zip(wanted, found, strict=False)):
                yield from self.of(one, other, f"{at}[{index}]")
        elif isinstance(wanted, str) and isinstance(found, str):
            if not self._same(wanted, found):
                yield f"{at}: {found!r} in place of {wanted!r}"
        elif wanted != found or not ((NUMBER(wanted) and NUMBER(found)) or type(wanted) is type(found)):
            yield f"{at}: {found!r} in place of {wanted!r}"

    def _same(self, wanted: str, found: str) -> bool:
        if TIME.fullmatch(wanted) and wanted not in self.known and f'"{wanted}"' not in self.sent:
            return TIME.fullmatch(found) is not None and ("." in wanted or "." not in found)
        if wanted.startswith("eyJ") and wanted not in self.known:
            return JWT.fullmatch(found) is not None
        for example, value in self.known.items():
            wanted = wanted.replace(example, value)
        if wanted == found:
            return True
        new = [one for one in UUIDS.findall(wanted) if one not in self.known.values()]
        form = re.escape(wanted)
        for one in dict.fromkeys(new):
            form = form.replace(re.escape(one), f"({UUIDS.pattern})")
        match = re.fullmatch(form, found)
        if not new or match is None:
            return False
        learnt = dict(zip(dict.fromkeys(new), match.groups(), strict=True))
        if set(learnt.values()) & set(self.known.values()):
            return False
        self.known |= learnt
        return True


def without(value: Any, at: str = "body", *, renamed: bool = False) -> Iterator[tuple[str, Any]]:
    """The value again and again, each time without another of its fields, or with it `renamed`; and where that was."""
    if isinstance(value, dict):
        for name in value:
            rest = {key: part for key, part in value.items() if key != name}
            yield f"{at}.{name}", {**rest, f"{name}_": value[name]} if renamed else rest
            for where, inner in without(value[name], f"{at}.{name}", renamed=renamed):
                yield where, {**value, name: inner}
    elif isinstance(value, list):
        for index, one in enumerate(value):
            for where, inner in without(one, f"{at}[{index}]", renamed=renamed):
                yield where, [*value[:index], inner, *value[index + 1 :]]
