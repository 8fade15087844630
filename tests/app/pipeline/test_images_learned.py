"""Images from file to model, to virtual images, to a scorecard, on a few simulated cells and tiny networks."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cohortsmith import ssl_models
from cohortsmith.app.config.experiment import TrainingPart
from cohortsmith.app.pipeline.comparing import DEFAULT_FAMILIES
from cohortsmith.app.pipeline.feature_extractors import image_models_for
from cohortsmith.data import Cohort, read_cohort, simulate, write_cohort
from cohortsmith.data.io import suffix_like
from cohortsmith.generators import FAMILIES
from cohortsmith.ssl_models import Classifier

TINY = ("--set", "steps=2", "--set", "width=64", "--set", "batch_size=16", "--device", "cpu")
FEW = ("--only", "pixel_wasserstein", "--only", "tstr", "--only", "frechet_fixed")


@pytest.fixture(autouse=True)
def _quick_eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl_models, "Classifier", functools.partial(Classifier, steps=5, batch_size=16))


@pytest.fixture(scope="module")
def cells() -> Cohort:
    return simulate("simulated-cells", 160, 0, classes=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, cells: Cohort) -> Path:
    """cells.npz of no split, parted.npz with splits of its own, grey.npz of one channel, pngs/ a folder a class."""
    place: Path = tmp_path_factory.mktemp("cells")
    side = np.repeat(["train", "val", "test"], [90, 20, 50])
    write_cohort(cells, place / "cells.npz")
    write_cohort(replace(cells, obs=cells.obs.assign(split=side)), place / "parted.npz")
    write_cohort(replace(cells, x=cells.x[..., :1], features=("28x28x1",)), place / "grey.npz")
    write_cohort(cells.take(np.arange(80)), place / "pngs")
    return place


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, folder: Path, cohortsmith: Any) -> Path:
    """A class-conditional Gaussian of the images."""
    path: Path = tmp_path_factory.mktemp("models") / "mvn"
    done = cohortsmith("fit", folder / "cells.npz", "--family", "mvn", "--out", path)
    assert done.code == 0, done.err
    return path


def refused(said: Any, *words: str) -> None:
    assert said.code == 2, (said.out, said.err)
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert errors == said.err.splitlines()[-1:]
    assert said.out == ""
    for word in words:
        assert word in errors[0]


@pytest.mark.slow
def test_the_way_between_classes_is_drawn_as_a_picture_or_written(
    tmp_path: Path, folder: Path, model: Path, cells: Cohort, cohortsmith: Any
) -> None:
    done = cohortsmith("fit", folder / "cells.npz", "--family", "vae", *TINY, "--out", tmp_path / "vae")
    assert done.code == 0, done.err
    first, last = cells.classes
    there_and_back = ("--between", f"{first},{last},{first}", "--n", 4)
    done = cohortsmith("sample", tmp_path / "vae", *there_and_back, "--out", tmp_path / "way.png")
    assert done.code == 0, done.err
    assert "8 samples interpolated" in done.err
    with Image.open(tmp_path / "way.png") as picture:
        assert picture.height > 2 * 56
        assert picture.width > 4 * 56
    done = cohortsmith("sample", tmp_path / "vae", *there_and_back, "--out", tmp_path / "way.npz")
    assert done.code == 0, done.err
    assert len(read_cohort(tmp_path / "way.npz")) == 8
    refused(cohortsmith("sample", tmp_path / "vae", "--between", first, "--out", tmp_path / "x.png"), "two classes")
    refused(
        cohortsmith("sample", tmp_path / "vae", "--between", f"{first},nobody", "--out", tmp_path / "x.png"), "nobody"
    )
    refused(
        cohortsmith("sample", model, "--between", f"{first},{last}", "--out", tmp_path / "x.npz"), "no latent space"
    )
    assert not list(tmp_path.glob("x.*"))


def test_a_deep_family_is_fitted_sampled_and_says_its_profile(
    tmp_path: Path, folder: Path, cells: Cohort, cohortsmith: Any
) -> None:
    done = cohortsmith("fit", folder / "cells.npz", "--family", "vae", *TINY, "--out", tmp_path / "vae")
    assert done.code == 0, done.err
    assert "profile cpu" in done.err
    assert json.loads((tmp_path / "vae" / "model.json").read_text())["summary"]["profile"] == "cpu"
    done = cohortsmith("sample", tmp_path / "vae", "--per-class", 3, "--out", tmp_path / "virtual.npz")
    assert done.code == 0, done.err
    drawn = read_cohort(tmp_path / "virtual.npz", part=True)
    assert drawn.class_counts() == dict.fromkeys(cells.classes, 3)
    assert drawn.x.shape == (6, 28, 28, 3)


def test_samples_go_to_npz_and_to_a_folder_of_png(tmp_path: Path, model: Path, cohortsmith: Any) -> None:
    for name in ("virtual.npz", "virtual"):
        line = ("sample", model, "--counts", "basophil=4,eosinophil=3", "--seed", 2, "--out", tmp_path / name)
        done = cohortsmith(*line)
        assert done.code == 0, done.err
    in_file, in_folder = (read_cohort(tmp_path / name, part=True) for name in ("virtual.npz", "virtual"))
    assert in_file.class_counts() == in_folder.class_counts() == {"basophil": 4, "eosinophil": 3}
    order = np.argsort(in_folder.ids)
    np.testing.assert_array_equal(in_file.x, in_folder.x[order])
    with Image.open(next((tmp_path / "virtual" / "eosinophil").iterdir())) as image:
        assert image.size == (28, 28)
    refused(cohortsmith("sample", model, "--n", 3, "--out", tmp_path / "virtual.csv"), ".npz", "a folder of PNG")
    refused(cohortsmith("sample", model, "--n", 3, "--out", tmp_path / "virtual"), "virtual")


def test_files_with_splits_of_their_own_are_held_to_them(tmp_path: Path, folder: Path, cohortsmith: Any) -> None:
    parted = folder / "parted.npz"
    done = cohortsmith("fit", parted, "--family", "mvn", "--out", tmp_path / "m", "--json")
    assert done.code == 0, done.err
    assert sum(json.loads(done.out)["classes"].values()) == 90
    assert "the 90 samples of its own train, of 160" in done.err
    assert cohortsmith("sample", tmp_path / "m", "--like-train", "--out", tmp_path / "v.npz").code == 0
    line = ("evaluate", "--train", parted, "--holdout", parted, "--synthetic", tmp_path / "v.npz", *FEW)
    done = cohortsmith(*line, "--device", "cpu", "--out", tmp_path / "card", "--json")
    assert done.code == 0, done.err
    sizes = json.loads(done.out)["sizes"]
    assert (sizes["train"], sizes["holdout"], sizes["synthetic"]) == (90, 50, 90)
    compared = (
        "compare",
        parted,
        "--families",
        "bootstrap",
        "--only",
        "pixel_js",
        "--out",
        tmp_path / "side",
        "--json",
    )
    done = cohortsmith(*compared)
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert facts["sizes"] == {"train": 90, "holdout": 50, "pixels": "28x28x3"}
    assert "20 samples of its val left out" in done.err


def test_families_are_compared_and_patients_shown_only_when_asked(
    tmp_path: Path, folder: Path, cohortsmith: Any
) -> None:
    line = ("compare", folder / "pngs", "--families", "gan,mvn,bootstrap", *FEW, *TINY)
    for out, asked in (("hidden", ()), ("shown", ("--show-patients",))):
        done = cohortsmith(*line, *asked, "--out", tmp_path / out)
        assert done.code == 0, done.err
        assert "gan: settings of profile cpu, fitted on cpu" in done.err
        assert "28x28x3 pixels" in done.out
        for family in ("gan", "mvn", "bootstrap"):
            place = tmp_path / out / family
            assert read_cohort(place / "synthetic", part=True).kind == "image"  # PNG in, PNG out
            page = (place / "report.html").read_text()
            assert ("internal use only" in page) == bool(asked)
            assert ("<img" in page) or ("data:image/png" in page)
    facts = json.loads((tmp_path / "hidden" / "comparison.json").read_text())
    metrics = {m["name"]: m for m in facts["families"][2]["metrics"]}
    assert metrics["frechet_fixed"]["status"] == "ok"


def test_an_experiment_of_images(tmp_path: Path, folder: Path, cohortsmith: Any) -> None:
    path = tmp_path / "trial.toml"
    path.write_text(
        f"[data]\ncohort = {json.dumps(str(folder / 'cells.npz'))}\n[generator]\nfamily = 'mvn'\n"
        "[sample]\nper_class = 12\n[evaluation]\nonly = ['pixel_js']\n"
    )
    done = cohortsmith("run", path, "--runs", tmp_path / "runs")
    assert done.code == 0, done.err
    (run,) = (tmp_path / "runs").iterdir()
    assert len(read_cohort(run / "synthetic.npz", part=True)) == 24


def test_patients_of_other_kinds_cannot_be_shown(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    out = tmp_path / "out"
    refused(cohortsmith("compare", patients, "--families", "mvn", "--show-patients", "--out", out), "--show-patients")
    line = ("evaluate", "--train", patients, "--holdout", patients, "--synthetic", patients, "--show-patients")
    refused(cohortsmith(*line, "--out", out), "--show-patients")
    assert not list(tmp_path.iterdir())


def test_images_that_do_not_go_together_are_refused(
    tmp_path: Path, folder: Path, model: Path, patients: Path, cohortsmith: Any
) -> None:
    cells, grey, out = folder / "cells.npz", folder / "grey.npz", tmp_path / "card"
    line = ("evaluate", "--train", cells, "--out", out, "--holdout")
    refused(cohortsmith(*line, cells, "--synthetic", grey), "28x28x1")
    refused(cohortsmith(*line, grey, "--synthetic", cells), "28x28x1")
    refused(cohortsmith(*line, cells, "--synthetic", patients), "expression")
    large = {"train_images": np.zeros((6, 32, 32, 3), np.uint8), "train_labels": np.arange(6) % 2}
    np.savez(tmp_path / "large.npz", **large, **{k.replace("train", "test"): v for k, v in large.items()})  # type: ignore[arg-type]
    refused(cohortsmith(*line, cells, "--synthetic", tmp_path / "large.npz"), "32 x 32", "--resize 28")
    assert not out.exists()


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("not a zip", ("not a complete .npz",)),
        ("pickled", ("pickled",)),
        ("floats", ("float32", "uint8")),
        ("no test", ("lacks", "test_images")),
        ("large", ("--resize 28",)),
        ("several labels", ("multi-label",)),
    ],
)
@pytest.mark.parametrize("command", ["fit", "evaluate"])
def test_bad_images_are_refused(
    tmp_path: Path, folder: Path, cohortsmith: Any, case: str, words: tuple[str, ...], command: str
) -> None:
    path, out = tmp_path / "bad.npz", tmp_path / "out"
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (20, 28, 28, 3), dtype=np.uint8)
    y = np.arange(20) % 2
    good: dict[str, Any] = {"train_images": x, "train_labels": y, "test_images": x[::-1], "test_labels": y}
    changed: dict[str, dict[str, Any]] = {
        "pickled": {"train_age": np.array([{}] * 20, dtype=object)},
        "floats": {"train_images": x.astype(np.float32)},
        "large": {
            "train_images": np.zeros((20, 32, 32, 3), np.uint8),
            "test_images": np.zeros((20, 32, 32, 3), np.uint8),
        },
        "several labels": {"train_labels": np.stack([y, y], axis=1)},
    }
    if case == "not a zip":
        path.write_bytes(b"PK\x03\x04 cut short")
    else:
        arrays = good | changed.get(case, {})
        np.savez(path, **{key: value for key, value in arrays.items() if case != "no test" or "test" not in key})
    if command == "fit":
        refused(cohortsmith("fit", path, "--family", "mvn", "--out", out), *words)
    else:
        sides = ("--holdout", folder / "cells.npz", "--synthetic", folder / "cells.npz")
        refused(cohortsmith("evaluate", "--train", path, *sides, "--out", out), *words)
    assert not out.exists()


def test_settings_of_images_are_checked_before_any_work(tmp_path: Path, folder: Path, cohortsmith: Any) -> None:
    line = ("fit", folder / "cells.npz", "--family", "gan", "--out", tmp_path / "m", "--set")
    refused(cohortsmith(*line, "profile=tpu"), "profile", "auto")
    refused(cohortsmith(*line, "profil=cpu"), "profile")
    refused(cohortsmith("compare", folder / "cells.npz", "--families", "pwm", "--out", tmp_path / "m"), "vae", "mvn")


def test_a_classifier_of_the_same_images_is_trained_once(monkeypatch: pytest.MonkeyPatch, cells: Cohort) -> None:
    image_models = image_models_for("image", TrainingPart(device="cpu"))
    assert image_models is not None
    assert image_models_for("expression", TrainingPart()) is None
    first = image_models.learn(cells.x, cells.y, 2, 0)
    assert image_models.learn(cells.x.copy(), cells.y.copy(), 2, 0) is first
    assert image_models.learn(cells.x, cells.y, 2, 1) is not first
    assert image_models.learn(cells.x, 1 - cells.y, 2, 0) is not first
    assert image_models.fixed(cells.x[:5]).shape == first.embed(cells.x[:5]).shape == (5, 64)


def test_a_class_without_an_image_gets_no_probability(cells: Cohort) -> None:
    image_models = image_models_for("image", TrainingPart(device="cpu"))
    assert image_models is not None
    told = image_models.learn(cells.x, 2 * cells.y, 4, 0).predict_proba(cells.x[:9])
    np.testing.assert_allclose(told.sum(axis=1), 1.0)
    assert told.shape == (9, 4)
    assert not told[:, [1, 3]].any()
    alone = image_models.learn(cells.x, 0 * cells.y, 2, 0).predict_proba(cells.x[:9])
    np.testing.assert_array_equal(alone, [[1.0, 0.0]] * 9)


def test_every_family_compared_learns_its_kind() -> None:
    for kind, families in DEFAULT_FAMILIES.items():
        assert [name for name in families if kind not in FAMILIES[name].kinds] == []


def test_what_comes_as_a_folder_or_a_file_goes_out_so(tmp_path: Path) -> None:
    assert suffix_like(str(tmp_path), "image") == ""
    assert suffix_like("blood.npz", "image") == suffix_like("simulated-cells", "image") == ".npz"
