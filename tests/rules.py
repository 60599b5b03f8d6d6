"""Which rules of the contracts no test proves.

    python -m tests.rules                                   every contract
    python -m tests.rules hamsaya --area password           one area of one contract
    python -m tests.rules --ops authentication,posts        what these operation groups rest on
    python -m tests.rules --strict                          exit 1 while the list is not empty

A test proves a rule by `@pytest.mark.rule("hamsaya:58")`. The native contract numbers its rules
(`hamsaya:58`), the others name them (`x18:R3`, and `x18:D2` for a derived one).
contracts/not_applicable.yaml holds the rules that ask for nothing this server could do, each with the reason.
"""

import argparse
import ast
import itertools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

ROOT = Path(__file__).resolve().parent.parent
NAMED = re.compile(r"(?P<id>[RD]\d+) \[(?P<area>[^\]]+)\] (?P<text>.+)", re.DOTALL)
TESTS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
UNPROVING = {"skip", "xfail"}  # what does not run, or is known to fail, proves nothing


class Rule(msgspec.Struct, frozen=True):
    """One rule of a contract. `groups` are the operation groups that rest on it."""

    name: str
    contract: str
    area: str
    text: str
    groups: frozenset[str]


class BadRules(Exception):
    """Marks, contracts and not_applicable.yaml do not fit together; one line per fault."""


def load(folder: Path) -> dict[str, Rule]:
    """Every rule of contracts/*.yaml by its name, in the contracts' order."""
    rules: dict[str, Rule] = {}
    for path in sorted(folder.glob("*.yaml")):
        document = _yaml(path)
        if "contract" in document:
            rules |= {rule.name: rule for rule in _rules(document)}
    return rules


def _rules(document: Mapping[str, Any]) -> Iterator[Rule]:
    contract = document["contract"]
    groups = _groups(document)
    for entry in [*document["rules"], *document.get("derived_rules", ())]:
        if isinstance(entry, dict):
            own, area, text = str(entry["n"]), entry["area"], entry["text"]
        elif match := NAMED.fullmatch(entry):
            own, area, text = match["id"], match["area"], match["text"]
        else:
            raise BadRules(f"{contract}: a rule without a name: {entry!r}")
        yield Rule(f"{contract}:{own}", contract, area, text, frozenset(groups.get(own, ())))


def _groups(document: Mapping[str, Any]) -> dict[str, set[str]]:
    """Rule to the groups of the operations that name it; empty where operations name none."""
    groups: dict[str, set[str]] = {}
    for operation in document["operations"]:
        for own in operation.get("rules", ()):
            groups.setdefault(str(own), set()).add(operation["group"])
    return groups


def not_applicable(path: Path) -> dict[str, str]:
    """Rule to the reason why no test can prove it."""
    reasons = _yaml(path) if path.exists() else {}
    return {name: str(reason) for name, reason in reasons.items()}


def proofs(folder: Path) -> dict[str, list[str]]:
    """Rule to the places (`tests/kit/test_page.py:12`) of the tests that are marked with it."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        shown = path.relative_to(folder.parent)
        try:
            for name, line in marks(ast.parse(path.read_text("utf-8"))):
                if not path.name.startswith("test_"):
                    raise BadRules(f"line {line}: {name} is marked in a file that pytest does not collect")
                found.setdefault(name, []).append(f"{shown}:{line}")
        except (BadRules, SyntaxError) as error:
            raise BadRules(f"{shown}: {error}") from error
    return found


def marks(scope: ast.AST) -> Iterator[tuple[str, int]]:
    """(rule, line) of each mark on a module, test class or test that runs and has to pass."""
    expressions: list[ast.expr] = []
    if isinstance(scope, ast.Module | ast.ClassDef):
        expressions += [s.value for s in scope.body if isinstance(s, ast.Assign) and _assigns_pytestmark(s)]
    if isinstance(scope, TESTS):
        expressions += scope.decorator_list
    nodes = [node for expression in expressions for node in ast.walk(expression)]
    if any(_mark(node) in UNPROVING for node in nodes):
        return
    named = [rule for node in nodes for rule in _named(node)]
    if named and isinstance(scope, TESTS) and not scope.name.startswith(("test", "Test")):
        raise BadRules(f"line {scope.lineno}: {scope.name} carries a rule, but pytest does not collect it")
    yield from named
    if isinstance(scope, ast.Module | ast.ClassDef):
        for inner in scope.body:
            if isinstance(inner, TESTS):
                yield from marks(inner)


def _assigns_pytestmark(statement: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in statement.targets)


def _named(node: ast.AST) -> Iterator[tuple[str, int]]:
    """(rule, line) of each name in `pytest.mark.rule(...)`; nothing for another node."""
    if isinstance(node, ast.Call) and _mark(node.func) == "rule":
        for argument in node.args:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                raise BadRules(f"line {argument.lineno}: a rule is named by a string literal")
            yield argument.value, argument.lineno


def _mark(node: ast.AST) -> str | None:
    """The name after `pytest.mark.`, or None where the node is something else."""
    match node:
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="pytest"), attr="mark"), attr=name):
            return name
        case _:
            return None


def faults(
    rules: Mapping[str, Rule], excused: Mapping[str, str], proved: Mapping[str, list[str]]
) -> list[str]:
    """What marks and contracts/not_applicable.yaml say about rules that is not so."""
    unknown = [
        f"{place}: no contract has the rule {name!r}"
        for name, places in proved.items()
        if name not in rules
        for place in places
    ]
    unknown += [
        f"contracts/not_applicable.yaml: no contract has the rule {name!r}" for name in excused.keys() - rules
    ]
    both = [
        f"{proved[name][0]}: {name} is proved here, so it cannot stand in contracts/not_applicable.yaml"
        for name in excused.keys() & proved
    ]
    empty = [
        f"contracts/not_applicable.yaml: {name} needs a reason"
        for name in excused
        if not excused[name].strip()
    ]
    return [*unknown, *both, *empty]


def chosen(rules: Iterable[Rule], arguments: argparse.Namespace) -> list[Rule]:
    """The rules that the command line asks for. Raises BadRules for a name that nothing has."""
    rules = list(rules)
    contracts = {*arguments.contracts, *arguments.contract}
    wanted: list[tuple[str, set[str], set[str]]] = [
        ("contract", contracts, {rule.contract for rule in rules}),
        ("area", {*arguments.area, *arguments.not_area}, {rule.area for rule in rules}),
        ("operation group", set(arguments.ops), set().union(*(rule.groups for rule in rules))),
    ]
    unknown = [
        f"there is no {kind} {name!r}" for kind, names, known in wanted for name in sorted(names - known)
    ]
    if unknown:
        raise BadRules("\n".join(unknown))
    return [
        rule
        for rule in rules
        if (not contracts or rule.contract in contracts)
        and (not arguments.area or rule.area in arguments.area)
        and rule.area not in arguments.not_area
        and (not arguments.ops or rule.groups & set(arguments.ops))
    ]


def report(rules: Sequence[Rule], excused: Mapping[str, str], proved: Mapping[str, list[str]]) -> list[Rule]:
    """Print the rules that are neither proved nor excused, by contract and area, and return them."""
    still_open = [rule for rule in rules if rule.name not in proved and rule.name not in excused]
    for (contract, area), group in itertools.groupby(still_open, key=lambda rule: (rule.contract, rule.area)):
        print(f"{contract}, {area}")
        for rule in group:
            print(f"  {rule.name}  {rule.text}")
    counts = (sum(r.name in proved for r in rules), sum(r.name in excused for r in rules), len(still_open))
    print("{} proved by tests, {} not applicable, {} open.".format(*counts))
    return still_open


def _yaml(path: Path) -> dict[str, Any]:
    document = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    if not isinstance(document, dict):
        raise BadRules(f"{path.name}: a mapping is expected")
    return document


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="python -m tests.rules", description=(__doc__ or "").split("\n", 1)[0]
    )
    result.add_argument("contracts", nargs="*", metavar="contract", help="only these contracts")
    result.add_argument(
        "--contract", action="extend", type=_listed, default=[], help="the same, as an option"
    )
    result.add_argument(
        "--area", action="extend", type=_listed, default=[], help="only these areas: account,token"
    )
    result.add_argument(
        "--not-area", action="extend", type=_listed, default=[], metavar="AREA", help="leave these areas out"
    )
    result.add_argument(
        "--ops",
        action="extend",
        type=_listed,
        default=[],
        metavar="GROUPS",
        help="only rules that the operations of these groups name: authentication,posts",
    )
    result.add_argument("--strict", action="store_true", help="exit 1 while a rule is open")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Print the open rules; 0, or 1 with --strict while there are any, or 2 for a fault in marks or names."""
    arguments = parser().parse_args(argv)
    try:
        rules = load(ROOT / "contracts")
        excused = not_applicable(ROOT / "contracts" / "not_applicable.yaml")
        proved = proofs(ROOT / "tests")
        if wrong := faults(rules, excused, proved):
            raise BadRules("\n".join(wrong))
        asked = chosen(rules.values(), arguments)
    except BadRules as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if report(asked, excused, proved) and arguments.strict else 0


if __name__ == "__main__":
    sys.exit(main())
