"""Features and doors of packages from outside: found by their entry points, checked, and loaded beside the others.

A package that cannot be used keeps the server from starting: without its handlers, facts would be lost.
"""

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from majlis.kit.errors import BadExtension
from majlis.kit.http import Api, Surface
from majlis.kit.migrations import KIT

FEATURES, SURFACES = "majlis.features", "majlis.surfaces"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
STAMPED = re.compile(r"\d{8}T\d{4}_[a-z0-9_]+")
MOUNT = re.compile(r"/[a-z0-9][a-z0-9_-]*")
MADE = re.compile(r"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)", re.IGNORECASE)
CHANGED = re.compile(r"\b(?:ALTER|DROP)\s+TABLE\s+(?:IF\s+EXISTS\s+)?(\w+)", re.IGNORECASE)
COMMENT = re.compile(r"--[^\n]*")
LIMITED = "/api/"  # where the native door counts requests against limits
PARTS = ("__init__", "model", "facts", "store", "service", "routes", "handlers")
ENTRANCES = ("service", "model", "facts")
OPEN = ("majlis.kit", "majlis.app", "majlis.settings", "majlis.vendors")  # to every feature
OF_SURFACES = ("name", "title", "mount", "apis", "error_type", "authenticate", "throttle", "render")


class Feature(msgspec.Struct, frozen=True):
    """A folder that is a feature, and who brings it."""

    name: str
    module: str  # its package, dotted
    folder: Path
    origin: str = ""  # distribution and version; empty for what Majlis itself is made of
    above: tuple[str, ...] = ()  # the features that one from outside builds on

    @property
    def label(self) -> str:
        """Its name, and from where."""
        return f"{self.name} ({self.origin})" if self.origin else self.name

    def has(self, part: str) -> bool:
        """Whether it has this file."""
        return (self.folder / f"{part}.py").exists()

    def part(self, part: str) -> ModuleType:
        """One of its modules. Raises BadExtension when one from outside cannot be loaded."""
        name = f"{self.module}.{part}"
        return _loaded(name, self.origin) if self.origin else importlib.import_module(name)

    def migrations(self) -> list[Path]:
        """Its files that go up."""
        return _going_up(self.folder / "migrations")


def features(own: Sequence[Feature]) -> list[Feature]:
    """The features that installed packages bring, beside these. Raises BadExtension."""
    found: list[Feature] = []
    for entry in _entries(FEATURES):
        feature = _feature(entry)
        for other in (*own, *found):
            if feature.name == other.name or feature.module == other.module:
                raise BadExtension(f"{feature.origin}: the feature {feature.name} is {other.label} already.")
        found.append(feature)
    _check_tiers(own, found)
    if found:
        _check_migrations(own, found)
    return found


def surfaces(doors: Sequence[Surface]) -> list[tuple[str, Surface]]:
    """The doors that installed packages bring, beside these, and whose each is. Raises BadExtension."""
    found: list[tuple[str, Surface]] = []
    for entry in _entries(SURFACES):
        door = _surface(entry)
        _check_mount(door, _origin(entry), [*doors, *(other for _, other in found)])
        found.append((_origin(entry), door))
    return found


def apis(feature: Feature, taken: Iterable[Api]) -> list[Api]:
    """The native routes of a feature from outside. Raises BadExtension for a path of somebody else's."""
    module = feature.part("routes")
    own = [value for value in vars(module).values() if isinstance(value, Api)]
    others = {_place(route.method, route.path): route for api in taken for route in api.routes}
    for route in (route for api in own for route in api.routes):
        if not route.path.startswith(LIMITED):
            raise BadExtension(
                f"{feature.origin}: {route} has no limits; routes of features begin with {LIMITED}"
            )
        other = others.get(_place(route.method, route.path))
        if other is not None:
            raise BadExtension(f"{feature.origin}: {route} is served by {other.module} already.")
    return own


def copied(feature: Feature) -> Mapping[str, str]:
    """What of this feature goes into copies of people's data: a query of the user $1 for each kind."""
    found = getattr(feature.part("store"), "COPIED", {}) if feature.has("store") else {}
    if not isinstance(found, dict):
        raise BadExtension(f"{feature.label}: store.COPIED is no dict of queries by their kind.")
    return found


def faults(feature: Feature, every: Sequence[Feature]) -> list[str]:
    """Where a feature from outside breaks the rules that Majlis keeps for its own."""
    if not feature.origin:
        return []
    found = [f"{feature.label}: {path.name} is none of {', '.join(PARTS)}" for path in _strangers(feature)]
    for path in sorted(feature.folder.glob("*.py")):
        found += [
            f"{path}:{line} imports {name}"
            for line, name in _imports(path)
            if _is_wrong(name, feature, every)
        ]
    named = " ".join(copied(feature).values())
    left = getattr(feature.part("store"), "LEFT_OUT", {}) if feature.has("store") else {}
    made = {
        table for path in feature.migrations() for table in MADE.findall(COMMENT.sub("", path.read_text()))
    }
    for table in sorted(made - set(left)):
        if not re.search(rf"\b(FROM|JOIN)\s+{table}\b", named):
            found.append(
                f"{feature.label}: {table} is neither in store.COPIED nor, with a reason, in LEFT_OUT"
            )
    return found


def _strangers(feature: Feature) -> list[Path]:
    return [path for path in sorted(feature.folder.glob("*.py")) if path.stem not in PARTS]


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every name that a file imports, and on which line."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def _is_wrong(name: str, feature: Feature, every: Sequence[Feature]) -> bool:
    """Whether a feature may not import this: it enters those it builds on by service, model and facts."""
    for other in sorted(every, key=lambda one: -len(one.module)):  # one may lie within another's folder
        if name == other.module or name.startswith(other.module + "."):
            part = name.removeprefix(other.module).strip(".").partition(".")[0]
            return other != feature and (other.name not in feature.above or part not in ENTRANCES)
    ours = name == "majlis" or name.startswith("majlis.")
    return ours and not any(name == open or name.startswith(open + ".") for open in OPEN)


def _entries(group: str) -> list[metadata.EntryPoint]:
    """In an order that does not depend on the file system; what two folders of the path hold counts once."""
    return sorted(set(metadata.entry_points(group=group)), key=lambda entry: (entry.name, entry.value))


def _origin(entry: metadata.EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def _loaded(module: str, origin: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise BadExtension(
            f"{origin}: {module} cannot be loaded ({said}). Repair or uninstall it."
        ) from error


def _feature(entry: metadata.EntryPoint) -> Feature:
    origin = _origin(entry)
    if not NAME.fullmatch(entry.name):
        raise BadExtension(f"{origin}: a feature is a noun in small letters, not {entry.name!r}.")
    module = _loaded(entry.value, origin)
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    if not folders or not (folders[0] / "__init__.py").exists():
        raise BadExtension(f"{origin}: {entry.value} is no package; a feature is a folder with __init__.py.")
    above = getattr(module, "ABOVE", None)
    if not isinstance(above, tuple) or not all(isinstance(name, str) for name in above):
        raise BadExtension(
            f'{origin}: {entry.value} does not say what it builds on: ABOVE = ("posts",), or () for nothing.'
        )
    return Feature(entry.name, entry.value, folders[0], origin, above)


def _check_tiers(own: Sequence[Feature], found: Sequence[Feature]) -> None:
    """Each builds on what is there, and nothing on itself by way of others."""
    placed, left = {feature.name for feature in own}, list(found)
    there = placed | {feature.name for feature in found}
    for feature in found:
        for name in feature.above:
            if name not in there:
                raise BadExtension(
                    f"{feature.origin}: {feature.name} builds on {name}, which is not installed."
                )
    while left:
        ready = [feature for feature in left if placed.issuperset(feature.above)]
        if not ready:
            names = ", ".join(feature.label for feature in left)
            raise BadExtension(f"These build on one another in a circle: {names}.")
        placed |= {feature.name for feature in ready}
        left = [feature for feature in left if feature not in ready]


def _going_up(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.sql") if not path.name.endswith(".rollback.sql"))


def _check_migrations(own: Sequence[Feature], found: Sequence[Feature]) -> None:
    """Names order all migrations, and each table has one owner."""
    names = {path.stem: "the kit" for path in _going_up(KIT)}
    tables: dict[str, str] = {}
    for feature in (*own, *found):
        for path in feature.migrations():
            script = COMMENT.sub("", path.read_text())
            if feature.origin:
                _check_file(feature, path, names)
            for table in MADE.findall(script):
                owner = tables.setdefault(table, feature.label)
                if feature.origin and owner != feature.label:
                    raise BadExtension(f"{feature.origin}: {path.name} makes {table}, a table of {owner}.")
            for table in CHANGED.findall(script) if feature.origin else ():
                if tables.get(table) != feature.label:
                    raise BadExtension(
                        f"{feature.origin}: {path.name} changes {table}, which is not its own."
                    )
            names[path.stem] = feature.label


def _check_file(feature: Feature, path: Path, names: Mapping[str, str]) -> None:
    if not STAMPED.fullmatch(path.stem):
        raise BadExtension(f"{feature.origin}: {path.name} is not named like 20261121T1200_what.sql.")
    if path.stem in names:
        raise BadExtension(
            f"{feature.origin}: {path.name} has the name of a migration of {names[path.stem]}."
        )
    if not path.with_name(f"{path.stem}.rollback.sql").exists():
        raise BadExtension(f"{feature.origin}: {path.name} has no {path.stem}.rollback.sql beside it.")


def _place(method: str, path: str) -> tuple[str, str]:
    """The same for paths whose parameters differ in their names only."""
    return method, re.sub(r"\{\w+(\.\.\.)?\}", r"{\1}", path)


def _surface(entry: metadata.EntryPoint) -> Surface:
    origin = _origin(entry)
    try:
        door: Any = entry.load()()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise BadExtension(f"{origin}: the door {entry.name} cannot be opened ({said}).") from error
    missing = [name for name in OF_SURFACES if not hasattr(door, name)]
    if missing:
        raise BadExtension(f"{origin}: the door {entry.name} has no {', '.join(missing)}.")
    surface: Surface = door
    return surface


def _check_mount(door: Surface, origin: str, others: Sequence[Surface]) -> None:
    if not MOUNT.fullmatch(door.mount):
        raise BadExtension(f"{origin}: a door is mounted at one word, such as /guild, not at {door.mount!r}.")
    for other in others:
        inside = [api for api in other.apis if any(_first(route.path) == door.mount for route in api.routes)]
        if door.mount == other.mount or (not other.mount and inside):
            raise BadExtension(f"{origin}: the paths {door.mount}/… are those of {other.title} already.")
        if door.name == other.name:
            raise BadExtension(f"{origin}: there is a door with the name {door.name} already.")


def _first(path: str) -> str:
    return "/" + path.strip("/").partition("/")[0]
