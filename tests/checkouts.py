"""Copies of this checkout, to change and to run commands in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What a checkout is made of; the cache of types comes along where it is, because it makes the check quicker.
PARTS = (
    *("majlis", "tests", "docs", "contracts", "examples", "deploy", "bench"),
    *("pyproject.toml", "README.md", "LICENSE", "NOTICE", ".mypy_cache"),
)


def copied(folder: Path) -> Path:
    """A copy of the checkout in a new folder."""
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, folder / part)
    return folder


def passing(folder: Path, *words: str) -> str:
    """What pytest says of tests in a copy, each of which must pass; a line "PASSED ..." of each."""
    quick = ("-p", "no:cacheprovider", "-p", "no:schemathesis")
    return run(folder, "pytest", "-q", "-rA", "--show-capture=no", *quick, *words)


def run(folder: Path, *words: str) -> str:
    """What a Python module says that runs in a copy as a command, and must succeed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAJLIS_", "PYTEST_"))}
    environment |= {"PYTHONPATH": str(folder), "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-m", *words],
        check=False,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
