"""Starting a feature: its files, their test, and its place on the tiers."""

import importlib.util
import keyword
import re
import subprocess
import sys
from pathlib import Path

import majlis
from majlis.kit import clock, migrations

TEMPLATES = Path(__file__).parent / "scaffold_templates"
FILES = ("__init__", "model", "facts", "store", "service", "routes", "handlers")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST = 30
TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)")


class Refusal(Exception):
    """The feature cannot be started; the message says why."""


def checkout() -> Path:
    """The folder of the source that runs. Raises Refusal where Majlis is installed without it."""
    root = Path(majlis.__file__).parent.parent
    if not (root / "pyproject.toml").exists() or not (root / "tests").is_dir():
        raise Refusal(
            "A feature is started in a checkout of the source; Majlis is installed without it here."
        )
    return root


def feature(root: Path, name: str, beside: str) -> list[Path]:
    """Write a feature on the tier of another one; the files that were written or changed. Raises Refusal."""
    _check(root, name)
    words = _words(name)
    changed = _place(root, name, beside)
    folder, tests = root / "majlis/features" / name, root / "tests/features" / name
    stamp = f"{migrations.next_stamp((root / 'majlis').rglob('migrations'), clock.now())}_{name}"
    written = {folder / f"{file}.py": _text(f"{file}.py.txt", words) for file in FILES}
    written |= {
        folder / f"migrations/{stamp}.sql": _text("migration.sql.txt", words),
        folder / f"migrations/{stamp}.rollback.sql": _text("migration.rollback.sql.txt", words),
        tests / "__init__.py": "",
        tests / "access.py": _text("access.py.txt", words),
        tests / f"test_{name}.py": _text("test.py.txt", words),
    }
    changed |= _access(root, words)
    for path, text in {**written, **changed}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    _format([path for path in written if path.suffix == ".py"])
    return [*written, *changed]


def _check(root: Path, name: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise Refusal(f"A feature is a noun in small letters, such as badges or market_stalls: not {name!r}.")
    if len(name) > LONGEST:
        raise Refusal(f"{name} is too long; {LONGEST} letters are enough.")
    if (root / "majlis/features" / name).exists():
        raise Refusal(f"The feature {name} exists.")
    for path in sorted((root / "majlis").rglob("migrations/*.sql")):
        if name in TABLE.findall(path.read_text()):
            raise Refusal(f"The table {name} is another feature's, made by {path.name}; choose another noun.")


def _words(name: str) -> dict[str, str]:
    """What the templates fill in, from the plural noun."""
    thing = _singular(name)
    return {
        "name": name,
        "slug": name.replace("_", "-"),
        "thing": thing,
        "Thing": "".join(part.title() for part in thing.split("_")),
        "word": thing.replace("_", " "),
        "words": name.replace("_", " "),
        "Words": name.replace("_", " ").capitalize(),
    }


def _singular(name: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if name.endswith(ending):
            return name.removesuffix(ending) + instead
    return name[:-1] if name.endswith("s") and not name.endswith("ss") and len(name) > 3 else name


def _text(template: str, words: dict[str, str]) -> str:
    return re.sub(r"<<(\w+)>>", lambda found: words[found[1]], (TEMPLATES / template).read_text())


def _place(root: Path, name: str, beside: str) -> dict[Path, str]:
    """pyproject.toml and the map with the name on the tier of another feature; nothing if it stands there."""
    rules, design = root / "pyproject.toml", root / "docs/architecture.md"
    if re.search(rf'^  "[^"]*\({name}\)', rules.read_text(), re.MULTILINE):
        return {}
    layer = re.compile(rf'^(  "[^"]*\({beside}\)[^"]*)"', re.MULTILINE)
    tier = re.compile(rf"^((?:\w+ \| )*{beside}(?: \| \w+)*)$", re.MULTILINE)
    changed = {}
    for path, line, more in ((rules, layer, rf'\1 | ({name})"'), (design, tier, rf"\1 | {name}")):
        text, found = line.subn(more, path.read_text(), count=1)
        if not found:
            raise Refusal(f"No tier of {path.relative_to(root)} holds {beside}.")
        changed[path] = text
    return changed


def _access(root: Path, words: dict[str, str]) -> dict[Path, str]:
    """The table of who may do what, with the feature's routes: whoever signs in may use one's own."""
    table = root / "tests/access.txt"
    text = table.read_text()
    header = next(line for line in text.splitlines() if line.startswith("METHOD"))
    callers = header.split()[2:]
    width = header.index(callers[0]) - len("METHOD ")
    lines = ["", f"# {words['Words']}"]
    one = f"/api/v1/{words['slug']}/{{{words['thing']}_id}}"
    for method, path, owner, status in (
        ("POST", f"/api/v1/{words['slug']}", 201, 201),
        ("GET", f"/api/v1/{words['slug']}", 200, 200),
        ("GET", one, 200, 404),
        ("DELETE", one, 204, 404),
    ):
        answers = {"anonymous": 401, "owner": owner}
        cells = "".join(f"{answers.get(caller, status):>10}" for caller in callers)
        lines.append(f"{method:<6} {path:<{width}}{cells.removeprefix(' ')}")
    return {table: text.rstrip("\n") + "\n" + "\n".join(lines) + "\n"}


def _format(paths: list[Path]) -> None:
    """Order imports and break lines as the name needs it; a template knows only one order."""
    if importlib.util.find_spec("ruff") is not None:
        ruff = [sys.executable, "-m", "ruff"]
        subprocess.run([*ruff, "check", "--quiet", "--fix", "--select", "I", *paths], check=True)
        subprocess.run([*ruff, "format", "--quiet", *paths], check=True)
