"""Rules of the repository, held over the syntax trees."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.structure import PACKAGES, PRODUCT, ROOT, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

MAY_IMPORT: dict[str, set[str]] = {
    "data": set(),
    "training": set(),
    "generators": {"data", "training"},
    "ssl_models": {"data", "training"},
    "evaluation": {"data"},
    "app": {"data", "training", "generators", "ssl_models", "evaluation"},
}
# The rooms of each package; a room imports only rooms named before it. "" are the files at the top of the package.
ROOMS: dict[str, tuple[str, ...]] = {
    "data": ("", "sequences", "io", "simulators", "named", "duplication"),
    "training": ("",),
    "generators": (
        "contracts",
        "networks",
        "objectives",
        "expression",
        "images",
        "sequences",
        "private",
        "baselines",
        "",
        "analysis",
    ),
    "ssl_models": (
        "presets",
        "inputs",
        "backbones",
        "augmentations",
        "pretexts",
        "pretexts.images",
        "fine_tuning",
        "",
    ),
    "evaluation": (
        "core",
        "spaces",
        "metrics.common",
        "metrics.expression",
        "metrics.sequences",
        "metrics.images",
        "metrics",
        "scorecard",
        "privacy.artefacts",
        "privacy.attacks",
        "privacy",
        "study",
        "plots",
        "html",
        "html.audit",
        "html.study",
    ),
    "app": (
        "terminal",
        "config",
        "workspace",
        "pipeline",
        "background",
        "grid",
        "release",
        "founding",
        "ui",
        "ui.samples",
        "ui.pages",
        "commands",
        "",
    ),
}
# What shows results; science, all rooms of `evaluation` before the pictures, knows none of it.
SHOWS = {"plotly", "jinja2", "rich", "typer", "streamlit"}
SCIENCE = ("core", "spaces", "metrics", "scorecard", "privacy", "study")
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


class Import(NamedTuple):
    """One name taken from one of our modules: `from module import name`; name is "" of `import module`."""

    module: str
    name: str
    line: int


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[Import]:
    """Every import, those inside functions and type-checking blocks too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, "", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (Import(module, alias.name, node.lineno) for alias in node.names)


def top(module: str) -> str:
    return module.split(".")[0]


@functools.cache
def modules() -> dict[str, Path]:
    """Files by the name they are imported under, faces by that of their room."""
    found = {}
    for name, path in sources(PRODUCT, *PACKAGES):
        parts = name.removesuffix(".py").removesuffix("/__init__").split("/")
        found[".".join(parts if parts[0] == PRODUCT else [PRODUCT, *parts])] = path
    return found


def target_of(one: Import) -> str | None:
    """Our module that an import reaches: a file, or a face; None for other people's."""
    for name in (f"{one.module}.{one.name}", one.module):
        if name in modules():
            return name
    return None


def place_of(module: str) -> tuple[str, str]:
    """Package and room of one of our modules; the face of a room is of that room."""
    parts = module.split(".")[1:]
    is_face = modules()[module].name == "__init__.py"
    return parts[0], ".".join(parts[1:] if is_face else parts[1:-1])


def arrows(package: str) -> Iterator[tuple[str, str, Import]]:
    """Imports from files of a package to our modules; the package's own face is left out."""
    for module, path in modules().items():
        if module.startswith(f"{PRODUCT}.{package}."):
            for one in imported(path):
                if (target := target_of(one)) is not None:
                    yield module, target, one


@pytest.mark.parametrize("package", PACKAGES)
def test_package_imports_only_what_the_design_allows(package: str) -> None:
    forbidden = TORCH if package in WITHOUT_TORCH else set()
    allowed = MAY_IMPORT[package] | {package}
    broken = []
    for name, path in sources(package):
        for one in imported(path):
            ours = one.module.split(".")[1] if one.module.startswith(f"{PRODUCT}.") else ""
            if (ours and ours not in allowed) or top(one.module) in forbidden | {"", "tests", "benchmarks"}:
                broken.append(f"{name}:{one.line} imports {one.module}")
            if one.module == PRODUCT:
                broken.append(f"{name}:{one.line} imports the public face: name the package")
    assert not broken


def test_no_bare_import_of_a_package() -> None:
    broken = [
        f"{name}:{one.line} imports {one.module}, which is {PRODUCT}.{one.module}"
        for name, path in sources(PRODUCT, *PACKAGES, "tests", "benchmarks")
        for one in imported(path)
        if top(one.module) in PACKAGES
    ]
    written = re.compile(rf"\bfrom ({'|'.join(PACKAGES)})(\.\w+)* import ")
    broken += [
        f"{name} writes {found[0]!r} for another process"
        for name, path in sources(PRODUCT, *PACKAGES, "tests", "benchmarks")
        for found in written.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not broken


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_import_only_rooms_before_them(package: str) -> None:
    rooms = ROOMS[package]
    broken = []
    for module, target, one in arrows(package):
        line, (_, own), (other, room) = one.line, place_of(module), place_of(target)
        assert own in rooms, f"{module} stands in no room"
        if other == package and target != f"{PRODUCT}.{package}" and rooms.index(room) > rooms.index(own):
            broken.append(f"{module}:{line} imports {target}, a room after its own")
        if target == f"{PRODUCT}.{package}":
            broken.append(f"{module}:{line} imports its own package's face")
    assert not broken


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_are_entered_by_their_face(package: str) -> None:
    broken = []
    for module, target, one in arrows(package):
        own, (other, room) = place_of(module), place_of(target)
        is_face = modules()[target].name == "__init__.py"
        takes_file = target == f"{one.module}.{one.name}"  # as in `from cohortsmith.evaluation.plots import pca`
        if own != (other, room) and room and not is_face and not takes_file:
            broken.append(f"{module}:{one.line} reaches past the face of {other}.{room} to {target}")
    assert not broken


def test_faces_name_what_they_show_and_nothing_hides_a_file() -> None:
    broken = []
    for module, path in modules().items():
        if path.name != "__init__.py" or module == PRODUCT:
            continue
        if not ast.get_docstring(tree_of(path)):
            broken.append(f"{module} says nothing of what it is for")
        bound = [alias for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom) for alias in node.names]
        names = {alias.asname or alias.name for alias in bound}
        inside = {child.stem for child in path.parent.glob("*.py")} | {child.name for child in path.parent.iterdir()}
        broken += [f"{module} shows {name}, which hides its file of that name" for name in names & inside]
    assert not broken


def test_no_circles_even_through_type_only_and_lazy_imports() -> None:
    graph = {
        module: {target for one in imported(path) if (target := target_of(one)) not in (None, module)}
        for module, path in modules().items()
        if module != PRODUCT
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(map(str, circle.args[1])))


def test_science_knows_no_page_no_terminal_and_no_app() -> None:
    broken = [
        f"{name}:{one.line} imports {one.module}"
        for room in SCIENCE
        for name, path in sources(f"evaluation/{room}")
        for one in imported(path)
        if top(one.module) in SHOWS or one.module == "html"
    ]
    assert not broken


def test_tests_stand_where_the_rooms_are() -> None:
    """A folder of tests has the name of a room, or holds what belongs to no single room."""
    rooms = {Path(package, *room.split(".")) for package, names in ROOMS.items() for room in names if room}
    rooms |= {room.parent for room in rooms} | {Path(package) for package in PACKAGES}
    folders = {Path(name).parent.relative_to("tests") for name, _ in sources("tests")}
    assert folders - rooms <= {Path(), Path("contracts")}


def test_every_room_is_packaged() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    faces = sorted(module for module, path in modules().items() if path.name == "__init__.py")
    assert settings["packages"] == faces
    assert settings["package-dir"] == {
        PRODUCT: PRODUCT,
        **{f"{PRODUCT}.{package}": package for package in PACKAGES},
    }


def test_no_pickle_and_no_global_random_state() -> None:
    broken = []
    for name, path in sources(*PACKAGES, "benchmarks"):
        banned = {*PICKLING, "random"}
        broken += [f"{name}:{one.line} imports {one.module}" for one in imported(path) if top(one.module) in banned]
        for node in ast.walk(tree_of(path)):
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
    drawers = {"utils", "util", "helpers", "helper", "manager", "managers", "plugin", "plugins", "misc"}
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


def test_the_map_of_rooms_is_true() -> None:
    """CONTRIBUTING lists every room in order with the words of its face; files named in the docs exist."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    written = re.findall(r"^\| `(\w+)/([\w/]*)` \| (.*) \|$", text, re.M)
    assert [(package, room.replace("/", ".")) for package, room, _ in written] == [
        (package, room) for package, rooms in ROOMS.items() for room in rooms
    ]
    for package, room, words in written:
        if room:
            face = ast.get_docstring(tree_of(ROOT / package / room / "__init__.py"))
            assert face is not None
            assert " ".join(face.split()) == words
        else:
            assert re.findall(r"`(\w+)`", words) == sorted(
                path.stem for path in (ROOT / package).glob("*.py") if path.name != "__init__.py"
            )
    for document in ("CONTRIBUTING.md", "README.md", "docs/benchmarks.md", "docs/glossary.md"):
        named = re.findall(r"`([\w/]+/\w+\.py)`", (ROOT / document).read_text(encoding="utf-8"))
        assert [name for name in named if not (ROOT / name).is_file()] == [], document
