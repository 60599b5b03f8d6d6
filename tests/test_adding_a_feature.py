"""docs/adding-a-feature.md, followed from top to bottom in a copy of the project, ends with every check green."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkouts import ROOT, copied, passing, run

PAGE = ROOT / "docs/adding-a-feature.md"
BLOCK = re.compile(r"^```(python|sql|text)\n(?:#|--) (\S+): ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = ("majlis/features/badges", "majlis/features/notifications", "tests/features/badges")


def blocks() -> Iterator[tuple[str, str, str]]:
    """The file of each block, what is to be done there, and the lines."""
    for found in BLOCK.finditer(PAGE.read_text()):
        yield found[2], found[3], found[4]


def followed(path: Path, what: str, lines: str) -> None:
    """Do what the first line of a block says."""
    text = path.read_text()
    imports = ""
    if path.suffix == ".py" and (what == "append" or what.startswith("replace ")):
        imports, lines = parted(lines)
    verb, _, rest = what.partition(" ")
    if what == "append":
        text = f"{text.rstrip()}\n\n\n{lines}"
    elif verb == "replace":
        text = replaced(text, rest, lines)
    elif verb == "below":
        (at,) = [line for line in text.splitlines(keepends=True) if line.strip() == rest]
        text = text.replace(at, at + lines, 1)
    else:
        assert verb == "from" and rest.endswith(" on"), what
        start = text.index("\n" + rest.removesuffix(" on") + "\n") + 1
        text = text[:start] + lines
    if imports:
        first = ast.parse(text).body[0]
        rows = text.splitlines(keepends=True)
        text = "".join([*rows[: first.end_lineno], "\n", imports, *rows[first.end_lineno :]])
    path.write_text(text)


def parted(lines: str) -> tuple[str, str]:
    """The imports at the top of a block, and what follows."""
    rows = lines.splitlines(keepends=True)
    last = 0
    for node in ast.parse(lines).body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            break
        last = node.end_lineno or 0
    return "".join(rows[:last]), "".join(rows[last:]).lstrip("\n")


def replaced(text: str, name: str, lines: str) -> str:
    """A module with its function, class or constant of this name exchanged."""
    for node in ast.parse(text).body:
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name
        if named or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name):
            decorators = getattr(node, "decorator_list", [])
            start = min([node.lineno, *(one.lineno for one in decorators)])
            rows = text.splitlines(keepends=True)
            return "".join([*rows[: start - 1], lines, *rows[node.end_lineno :]])
    raise AssertionError(f"there is no {name} to replace")


@pytest.fixture(scope="module")
def built(scratch: Path) -> Path:
    """A copy of the checkout in which somebody followed the page."""
    folder = copied(scratch / "followed")
    run(folder, "majlis", "new", "feature", "badges")
    for name, what, lines in blocks():
        (path,) = folder.glob(name) if what != "append" else [folder / name]
        followed(path, what, lines)
    run(folder, "ruff", "check", "--fix", *OURS)
    run(folder, "ruff", "format", *OURS)
    run(folder, "majlis", "openapi")
    return folder


def test_every_block_says_where_it_belongs() -> None:
    """A block that the search does not see would not be run."""
    fences = re.findall(r"^```(\w+)\n", PAGE.read_text(), re.MULTILINE)
    assert len([fence for fence in fences if fence != "toml"]) == len(list(blocks())) > 14


def test_the_checks_pass(built: Path) -> None:
    run(built, "mypy", "majlis/features/badges", "majlis/features/notifications")
    run(built, "majlis", "openapi", "--check")


def test_the_tests_of_the_page_pass_and_the_house_rules_hold(built: Path) -> None:
    """Its own, those of imports and SQL, and the table of who may do what."""
    rules = "tiers or entered or imports or takes or prepared or say or tables"
    files = (
        "tests/features/badges",
        "tests/test_architecture.py",
        "tests/test_sql.py",
        "tests/test_access.py",
    )
    chosen = f"badges or (({rules}) and not test_access)"
    said = passing(built, *files, "-k", chosen)
    for file in files:
        assert f"PASSED {file}" in said, said
    assert said.count("PASSED tests/test_access.py") == 6 and "FAILED" not in said


def test_what_cannot_be_followed_is_told() -> None:
    with pytest.raises(AssertionError, match="no remove"):
        replaced("def add(): ...\n", "remove", "")
    assert parted("import re\n\nX = 1\n") == ("import re\n", "X = 1\n")
    assert replaced("@it\ndef a(): ...\nB = 1\n", "a", "def a(): pass\n") == "def a(): pass\nB = 1\n"
