"""The house rules of docs/architecture.md that can be checked by reading the source."""

import ast
import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import msgspec
import pytest
from importlinter import cli

from majlis import main

ROOT = Path(main.__file__).parent
FEATURES = ROOT / "features"
FILE_LINES, FUNCTION_LINES = 400, 45
ENTRANCES = {"service", "model", "facts"}
FEATURE_FILES = {"__init__", "model", "facts", "store", "service", "routes", "handlers"}

# What a feature's file may import of majlis: of its own feature, of lower ones, and of the rest.
OWN = {
    "model": {"model"},
    "facts": {"model", "facts"},
    "store": {"model"},
    "service": {"store", "model", "facts"},
    "routes": {"service", "model"},
    "handlers": {"service", "store", "model", "facts"},
}
LOWER = {
    "model": {"model"},
    "facts": {"model"},
    "store": {"service", "model"},  # a service hands on SQL of who may see what
    "service": ENTRANCES,
    "routes": {"service", "model"},
    "handlers": ENTRANCES,
}
OUTSIDE = {
    "model": {"majlis.kit"},
    "facts": {"majlis.kit"},
    "store": {"majlis.kit"},
    "service": {"majlis.kit", "majlis.app", "majlis.settings", "majlis.vendors"},
    # The kinds of pictures are plain names; which one a route takes is part of its address.
    "routes": {"majlis.kit", "majlis.app", "majlis.vendors.images.Kind"},
    "handlers": {"majlis.kit", "majlis.app", "majlis.settings", "majlis.vendors"},
}

# Services that do not begin with (tx | app | db, me). Functions that cannot wait and take none of these
# cannot reach the database either, and need no line here.
WITHOUT_CALLER = {
    "identity.hash_password": "computes on another thread",
    "sessions.authenticate": "finds out who the caller is",
    "sessions.spend_attempt": "counts before anybody is known",
    "sessions.forget": "drops what is remembered of somebody, after a change that was authorised",
    "posts.categories": "the same for everybody",
}

# SQL stands in stores and in the kit; elsewhere only here.
SQL_ELSEWHERE = {"surfaces/operations.py": "asks the database whether it lives"}
SQL = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH ")


class Import(msgspec.Struct, frozen=True):
    """`from module import name`; `import module` has no name."""

    line: int
    module: str
    name: str

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


def nothing(wrong: Sequence[str]) -> None:
    """Fails with one line for each thing found wrong."""
    assert not wrong, "\n" + "\n".join(wrong)


def sources(folder: Path = ROOT) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> Iterator[Import]:
    """Everything of majlis that a file imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "majlis":
            for alias in node.names:
                yield Import(node.lineno, node.module or "", alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "majlis":
                    yield Import(node.lineno, alias.name, "")


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT.parent)}:{line}"


def feature_of(full: str) -> tuple[str, str] | None:
    """(feature, file) of an imported name, the file empty for the feature itself."""
    parts = full.split(".")
    if parts[:2] != ["majlis", "features"] or len(parts) < 3:
        return None
    return parts[2], parts[3] if len(parts) > 3 else ""


def within(full: str, prefixes: set[str]) -> bool:
    return any(full == prefix or full.startswith(prefix + ".") for prefix in prefixes)


def feature_files() -> list[Path]:
    return [path for path in sources(FEATURES) if path.parent != FEATURES and path.stem in OWN]


def test_the_tiers_hold(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT.parent)
    failed = cli.lint_imports(no_cache=True)
    assert failed == cli.EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_the_kit_knows_nothing_of_the_product() -> None:
    wrong = [
        f"{where(path, found.line)} imports {found.full}"
        for path in sources(ROOT / "kit")
        for found in imports(path)
        if not within(found.full, {"majlis.kit"})
    ]
    nothing(wrong)


def test_vendors_know_no_feature() -> None:
    wrong = [
        f"{where(path, found.line)} imports {found.full}"
        for path in sources(ROOT / "vendors")
        for found in imports(path)
        if not within(found.full, {"majlis.kit", "majlis.settings", "majlis.vendors"})
    ]
    nothing(wrong)


def test_features_are_entered_by_service_model_and_facts_only() -> None:
    wrong = []
    for path in sources():
        own = path.relative_to(FEATURES).parts[0] if path.is_relative_to(FEATURES) else None
        for found in imports(path):
            target = feature_of(found.full)
            if target is not None and target[0] != own and target[1] not in ENTRANCES:
                wrong.append(f"{where(path, found.line)} imports {found.full}")
    nothing(wrong)


def test_each_file_of_a_feature_imports_what_its_kind_may() -> None:
    wrong = []
    for path in feature_files():
        for found in imports(path):
            target = feature_of(found.full)
            if target is None:
                fine = within(found.full, OUTSIDE[path.stem])
            elif target[0] == path.parent.name:
                fine = target[1] in OWN[path.stem]
            else:
                fine = target[1] in LOWER[path.stem]
            if not fine:
                wrong.append(f"{where(path, found.line)} imports {found.full}")
    nothing(wrong)


def functions(body: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def leads(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the parameters begin with tx, app or db, then me, and none of these has a default."""
    arguments = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    without = arguments[: len(arguments) - len(function.args.defaults)]
    first = list(itertools.takewhile(lambda name: name in ("app", "db", "tx"), without))
    return bool(first) and without[len(first) : len(first) + 1] == ["me"]


def reaches_nothing(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    every = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return isinstance(function, ast.FunctionDef) and not {"app", "db", "tx"} & {one.arg for one in every}


def test_services_take_the_transaction_and_the_caller_first() -> None:
    wrong, used = [], set()
    for path in sorted(FEATURES.glob("*/service.py")):
        for function in functions(tree(path).body):
            name = f"{path.parent.name}.{function.name}"
            if function.name.startswith("_") or reaches_nothing(function):
                continue
            if name in WITHOUT_CALLER:
                used.add(name)
            elif not leads(function):
                wrong.append(f"{where(path, function.lineno)} {name}")
    nothing(wrong)
    assert WITHOUT_CALLER.keys() <= used, "exceptions that nobody needs any more"


def test_routes_never_act_as_the_system() -> None:
    wrong = [
        where(path, node.lineno)
        for path in sorted(FEATURES.glob("*/routes.py"))
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "system"
    ]
    nothing(wrong)


@pytest.mark.parametrize(
    "signature, fine",
    [
        ("tx, me", True),
        ("app, me, body", True),
        ("app, tx, me, *, only=None", True),
        ("db, me, email", True),
        ("tx, post_id", False),
        ("me, tx", False),
        ("tx, post_id, me", False),
        ("tx, me=None", False),
        ("tx=None, me=None", False),
        ("", False),
    ],
)
def test_the_check_of_services_can_fail(signature: str, fine: bool) -> None:
    (function,) = functions(ast.parse(f"async def verb({signature}): ...").body)
    assert leads(function) is fine
    assert not reaches_nothing(function)


def docstrings(module: ast.Module) -> set[ast.AST]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.body[0].value
        for node in ast.walk(module)
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)
    }


def sql_in(path: Path) -> Iterator[int]:
    """Lines with a Query or with a text that begins like a statement."""
    skipped = docstrings(tree(path))
    for node in ast.walk(tree(path)):
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Query") or (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node not in skipped
            and node.value.lstrip().startswith(SQL)
        ):
            yield node.lineno


def test_sql_stands_in_stores() -> None:
    wrong, used = [], set()
    for path in sources():
        if path.name == "store.py" or path.is_relative_to(ROOT / "kit"):
            continue
        lines = sorted(set(sql_in(path)))
        if str(path.relative_to(ROOT)) in SQL_ELSEWHERE:
            used.add(str(path.relative_to(ROOT)))
        else:
            wrong += [where(path, line) for line in lines]
    nothing(wrong)
    assert SQL_ELSEWHERE.keys() == used


def test_a_feature_is_a_folder_of_at_most_six_files() -> None:
    wrong = []
    for folder in sorted(path for path in FEATURES.iterdir() if path.is_dir() and path.name != "__pycache__"):
        names = {path.stem for path in folder.glob("*.py")}
        folders = {path.name for path in folder.iterdir() if path.is_dir()} - {"__pycache__", "migrations"}
        if not names <= FEATURE_FILES or folders or "__init__" not in names:
            wrong.append(f"{folder.name}: {sorted(names - FEATURE_FILES)} {sorted(folders)}")
    nothing(wrong)


def test_files_stay_small() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in sources()}
    wrong = [f"{where(path, 1)} has {size} lines" for path, size in sizes.items() if size > FILE_LINES]
    nothing(wrong)


def test_functions_stay_small() -> None:
    wrong = []
    for path in sources():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                if size > FUNCTION_LINES:
                    wrong.append(f"{where(path, node.lineno)} {node.name} has {size} lines")
    nothing(wrong)
