"""Where code compares with the name of a data kind: over the syntax trees, for `tests/test_kinds.py`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("data", "generators", "ssl_models", "evaluation", "app")
NAMES = {"expression", "sequence", "image"}
CONSTANTS = {"EXPRESSION", "SEQUENCE", "IMAGE"}

# The places of a kind: registries, readers and writers, simulators, views, and pages of one kind.
PLACES = (
    "data/kinds.py",
    "data/io/",
    "data/named/",
    "data/simulators/",
    "generators/kinds.py",
    "ssl_models/kinds.py",
    "ssl_models/inputs/",
    "evaluation/spaces/",
    *(f"evaluation/html/{page}.py" for page in ("expression", "sequences", "images")),
    *(f"app/ui/samples/{page}.py" for page in ("expression", "sequences", "images")),
)
# Literal dicts with an entry a kind, looked up by the kind that a cohort has; CONTRIBUTING.md lists them.
REGISTRIES = {
    ("generators/baselines/mvn.py", "TABLES"),
    ("evaluation/html/report.py", "ROOMS"),
    ("app/terminal/tables.py", "KEY_METRICS"),
    ("app/pipeline/comparing.py", "DEFAULT_FAMILIES"),
    ("app/workspace/cohort_facts.py", "FACTS"),
    ("app/ui/pages/cohorts.py", "OPTIONS"),
    ("app/ui/pages/samples.py", "VIEWS"),
}


def comparisons(root: Path = ROOT) -> list[str]:
    """File and line of every comparison, match, dict and subscript with a kind's name outside of its places."""
    found = []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(PLACES):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                found += [f"{name}:{line}" for line in sorted(_lines(tree, name))]
    return found


def _lines(tree: ast.Module, file: str) -> Iterator[int]:
    registries = set()
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
            if isinstance(target, ast.Name) and (file, target.id) in REGISTRIES:
                registries.add(id(statement.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            named = any(_names_kind(part) for part in (node.left, *node.comparators))
        elif isinstance(node, ast.MatchValue):
            named = _names_kind(node.value)
        elif isinstance(node, ast.Dict):
            named = id(node) not in registries and sum(key is not None and _names_kind(key) for key in node.keys) > 1
        elif isinstance(node, ast.Subscript):
            named = _names_kind(node.slice)
        else:
            continue
        if named:
            yield getattr(node, "lineno", 0)


def _names_kind(node: ast.AST) -> bool:
    """Whether an expression is a kind's name, its constant, or a tuple with one."""
    if isinstance(node, ast.Constant):
        return node.value in NAMES if isinstance(node.value, str) else False
    if isinstance(node, ast.Name | ast.Attribute):
        return (node.id if isinstance(node, ast.Name) else node.attr) in CONSTANTS
    return isinstance(node, ast.Tuple | ast.List | ast.Set) and any(map(_names_kind, node.elts))
