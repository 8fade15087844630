"""Rules of the repository, held over the syntax trees, the built wheel and the README."""

from __future__ import annotations

import ast
import functools
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("data", "training", "generators", "ssl_models", "evaluation", "app")
MAY_IMPORT: dict[str, set[str]] = {
    "data": set(),
    "training": set(),
    "generators": {"data", "training"},
    "ssl_models": {"data", "training"},
    "evaluation": {"data"},
    "app": {"data", "training", "generators", "ssl_models", "evaluation"},
}
TORCH = {"torch", "lightning", "lightning_fabric", "torchvision"}
WITHOUT_TORCH = ("data", "evaluation")
PICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
# Calls that read or move a random state that is not an argument, and calls that write or read pickles.
GLOBAL_STATE = re.compile(
    r"^(torch\.((cuda|mps)\.)?(manual_seed|manual_seed_all|seed|set_rng_state|default_generator\.\w+)|(np|numpy)\.random\.(?!default_rng$|Generator$|"
    r"SeedSequence$|PCG64$|Philox$)\w+|\w+\.seed_everything|seed_everything)$"
)
PICKLED = re.compile(r"^(torch\.(load|save)|joblib\.(dump|load)|pd\.read_pickle|\w+\.to_pickle)$")
# The places that may touch the ambient state: they put it back, and SDV knows no other.
KEEPS_STATE = {"training/seeds.py", "generators/baselines/sdv.py"}
MOST_LINES = 400
TEXT = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cfg", ".json", ""}
MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(home|root|Users|work|tmp|var/folders|mnt)/\w|[A-Z]:\\\\?Users\\")


def sources(*folders: str) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Top package of every import, those inside functions and type-checking blocks too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0] if not node.level else "(relative)", node.lineno


@pytest.mark.parametrize("package", PACKAGES)
def test_package_imports_only_what_the_design_allows(package: str) -> None:
    forbidden = set(PACKAGES) - MAY_IMPORT[package] - {package} | {"(relative)", "tests", "benchmarks"}
    if package in WITHOUT_TORCH:
        forbidden |= TORCH
    broken = [
        f"{name}:{line} imports {module}"
        for name, path in sources(package)
        for module, line in imported(ast.parse(path.read_text(encoding="utf-8")))
        if module in forbidden
    ]
    assert not broken


def test_no_pickle_and_no_global_random_state() -> None:
    broken = []
    for name, path in sources(*PACKAGES, "benchmarks"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        broken += [f"{name}:{line} imports {module}" for module, line in imported(tree) if module in PICKLING]
        broken += [f"{name}:{line} imports {module}" for module, line in imported(tree) if module == "random"]
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if PICKLED.match(called) or (GLOBAL_STATE.match(called) and name not in KEEPS_STATE):
                broken.append(f"{name}:{node.lineno} calls {called}")
            broken += [
                f"{name}:{node.lineno} allows pickles"
                for word in node.keywords
                if word.arg == "allow_pickle"
                and not (isinstance(word.value, ast.Constant) and word.value.value is False)
            ]
    assert not broken


def test_files_are_read_in_one_sitting() -> None:
    lengths = {
        name: len(path.read_text(encoding="utf-8").splitlines())
        for name, path in sources(*PACKAGES, "tests", "benchmarks")
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_no_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "manager", "managers", "plugin", "plugins", "common", "misc"}
    assert not [name for name, _ in sources(*PACKAGES) if drawers & set(re.split(r"[/._]", name))]


def test_no_path_of_a_machine_is_written_anywhere() -> None:
    skipped = {".venv", ".git", "runs", "build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache", "__pycache__"}
    broken = []
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if skipped & set(parts) or any(part.endswith(".egg-info") for part in parts) or not path.is_file():
            continue
        if path.suffix not in TEXT:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if MACHINE_PATH.search(line):
                broken.append(f"{'/'.join(parts)}:{number}")
    assert not broken


def test_versions_are_pinned_without_addresses() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert not [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.]+", line)]


def test_wheel_holds_only_code(tmp_path: Path) -> None:
    copy = tmp_path / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for package in (*PACKAGES, "tests"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "data" / "patients.csv").write_text("sample_id,label\n")  # what a careless copy would take along
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(copy)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    code = {name for name in names if ".dist-info/" not in name}
    expected = {name for name, _ in sources(*PACKAGES)} | {f"{package}/py.typed" for package in PACKAGES}
    assert code == expected
    assert not [
        name for name in names if Path(name).suffix not in {".py", ".typed", ".txt", ""} and "LICENSE" not in name
    ]


def readme_blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def test_readme_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's Python runs as it stands, on a simulated patients.h5ad; only the deep families' steps are few."""
    from dataclasses import replace

    import generators
    from cohortsmith.data import simulate, write_cohort

    cohort = simulate("simulated-expression", 120, seed=0, genes=20, classes=2)
    provenance = {**cohort.provenance, "label": "label", "subject": "patient"}
    cohort = replace(cohort, classes=("BRCA", "OV"), provenance=provenance)
    write_cohort(cohort, tmp_path / "patients.h5ad")
    monkeypatch.chdir(tmp_path)
    for family in ("Diffusion", "GAN", "WGAN", "VAE"):
        monkeypatch.setattr(generators, family, functools.partial(getattr(generators, family), steps=20))
    blocks = readme_blocks("python")
    assert blocks
    for block in blocks:
        namespace: dict[str, Any] = {"__name__": "readme"}
        exec(compile(block, "README.md", "exec"), namespace)


def test_readme_command_lines_are_understood() -> None:
    import typer

    from cohortsmith.app.cli import app

    lines = [
        line.removeprefix("$ ").strip()
        for language in ("console", "bash", "sh")
        for block in readme_blocks(language)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    commands = [
        shlex.split(line, comments=True) for line in lines if line.removeprefix("$ ").startswith("cohortsmith ")
    ]
    assert commands
    for words in commands:
        command: Any = typer.main.get_command(app)
        rest = words[1:]
        while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
            assert rest[0] in command.commands, words
            command, rest = command.commands[rest[0]], rest[1:]
        if "--help" not in rest:
            command.make_context(" ".join(words), rest)  # raises on an unknown option or a missing one
