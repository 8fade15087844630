"""What a user gets: the wheel, the public face, the README's lines."""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.structure import PACKAGES, PRODUCT, ROOT, sources

FILE = "patients.h5ad"
PAGE_FILES = {".html", ".css", ".js", ".svg"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources with what a careless checkout would hold besides."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for package in (PRODUCT, *PACKAGES, "tests"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "data" / "patients.csv").write_text("sample_id,label\n")
    dist = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist), str(copy)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = dist.glob("*.whl")
    return path


def test_wheel_holds_only_code(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    held = {name for name in names if ".dist-info/" not in name}
    code = {name if name.startswith(PRODUCT) else f"{PRODUCT}/{name}" for name, _ in sources(PRODUCT, *PACKAGES)}
    assert held == code | {f"{PRODUCT}/py.typed"} | {f"{PRODUCT}/{name}" for name in page_files()}
    kinds = {".py", ".typed", ".txt", "", *PAGE_FILES}
    assert not [name for name in names if Path(name).suffix not in kinds and "LICENSE" not in name]


def page_files() -> list[str]:
    """Templates and style sheets that stand beside the code."""
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.suffix in PAGE_FILES)
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def test_installed_beside_a_users_own_modules(wheel: Path, tmp_path: Path) -> None:
    """The README's first lines run from a folder that holds a user's own `data.py`, `app.py`, `data/`, `training/`."""
    home, user = tmp_path / "environment", tmp_path / "user"
    venv.create(home, with_pip=False)
    bin_folder = home / ("Scripts" if os.name == "nt" else "bin")
    (site,) = (path for path in home.rglob("site-packages") if path.is_dir())
    installed = Path(numpy_home()).parent  # everything else is taken from the environment that runs the tests
    (site / "libraries.pth").write_text(f"{installed}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(bin_folder / "python"), "install", "--no-deps", "--quiet"]
    done = subprocess.run([*pip, "--no-index", str(wheel)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("data", "training", "generators", "evaluation", "app"):
        (user / name).mkdir(parents=True)
        (user / f"{name}.py").write_text("raise SystemExit('a user's own file was imported')\n")
    patients_file(user)
    (user / "script.py").write_text(readme_blocks("python")[0])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for command in ([bin_folder / "python", "script.py"], [bin_folder / "cohortsmith", "data", "describe", FILE]):
        done = subprocess.run(
            list(map(str, command)), cwd=user, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
    code = "import cohortsmith, pathlib; print(pathlib.Path(cohortsmith.__file__).parent)"
    done = subprocess.run([bin_folder / "python", "-c", code], cwd=user, capture_output=True, text=True, timeout=60)
    assert Path(done.stdout.strip()).is_relative_to(home)


def test_the_public_face_is_light_and_complete() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import cohortsmith; took = time.perf_counter() - start; "
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules; print(took)"
    )
    took = min(float(subprocess.check_output([sys.executable, "-c", code], timeout=60)) for _ in range(3))
    assert took < 0.3
    import cohortsmith

    assert set(cohortsmith.__all__) == set(cohortsmith._HOME)
    for name in cohortsmith.__all__:
        assert getattr(cohortsmith, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Diffuson'"):
        _ = cohortsmith.Diffuson


def numpy_home() -> str:
    import numpy as np

    return str(Path(np.__file__).parent)


def readme_blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def patients_file(folder: Path) -> None:
    """A simulated `patients.h5ad` as the README has it: columns `label` and `patient`, classes BRCA and OV."""
    from dataclasses import replace

    from cohortsmith import simulate, write_cohort

    cohort = simulate("simulated-expression", 120, seed=0, genes=20, classes=2)
    provenance = {**cohort.provenance, "label": "label", "subject": "patient"}
    write_cohort(replace(cohort, classes=("BRCA", "OV"), provenance=provenance), folder / FILE)


def test_readme_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's Python runs as it stands, on a simulated patients.h5ad; only the deep families' steps are few."""
    import cohortsmith

    patients_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    for family in ("Diffusion", "GAN", "WGAN", "VAE"):
        quick = functools.partial(getattr(cohortsmith, family), steps=20)
        monkeypatch.setattr(cohortsmith, family, quick, raising=False)
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
