"""The programs under bench/, as tests run them: whole, in processes of their own."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

BENCH = Path(__file__).parents[2] / "bench"
CEILING_S = 600.0


def run(name: str, *arguments: str, **environment: str) -> str:
    """What a program prints. Raises AssertionError with all of it unless the program ends well."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAJLIS_", "PG"))}
    process = subprocess.Popen(
        [sys.executable, "-P", str(BENCH / name), *arguments],
        env=clean | environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        words, more = process.communicate(timeout=CEILING_S)
    except BaseException:
        process.send_signal(signal.SIGTERM)  # it stops what it has started
        process.communicate(timeout=60)
        raise
    assert process.returncode == 0, f"{words}\n{more}"[-8000:]
    return words


def module(name: str) -> ModuleType:
    """A file under bench/, which is no package."""
    sys.path.insert(0, str(BENCH))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCH))


def rows(words: str) -> list[list[str]]:
    """The cells of the tables in it, without spaces and commas."""
    found = [line.strip().strip("|").split("|") for line in words.splitlines() if line.startswith("|")]
    return [[cell.strip().replace(",", "") for cell in cells] for cells in found]
