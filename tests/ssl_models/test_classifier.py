"""Classifiers: names and presets, what is refused, and what stands in a saved one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from cohortsmith.data import Cohort, DataError, simulate
from cohortsmith.ssl_models import Classifier, load
from cohortsmith.training import Runtime

if TYPE_CHECKING:
    from pathlib import Path

FEW: dict[str, Any] = {"steps": 2, "epochs": 0, "batch_size": 16}
NARROW: dict[str, Any] = {"backbone_settings": {"widths": [6, 4]}, **FEW}


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate("simulated-expression", 60, seed=0, genes=10)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"preset": "tcga-2020"}, "unknown preset 'tcga-2020'; did you mean 'tcga-2021'"),
        ({"backbone": "mpl"}, "unknown backbone 'mpl'; did you mean 'mlp'"),
        ({"pretext": "maskd"}, "unknown pretext 'maskd'; did you mean 'masked'"),
        ({"backbone": "mlp", "pretext": "simclr"}, "no data kind has both backbone 'mlp' and pretext 'simclr'"),
        ({"preset": "small-cnn", "pretext": "vime"}, "no data kind has both preset 'small-cnn' and pretext 'vime'"),
        ({"backbone": "mlp", "backbone_settings": {"width": 3}}, "backbone mlp has no setting 'width'.*widths"),
        ({"pretext": "scarf", "pretext_settings": {"temprature": 3}}, "did you mean temperature"),
        ({"pretext_settings": {"steps": 3}}, "pretext_settings need a pretext"),
        ({"pretext": "mae", "backbone": "resnet18"}, "pretext 'mae' works on backbone vit; got 'resnet18'"),
    ],
)
def test_names_that_do_not_exist_or_go_together_are_refused_at_once(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Classifier(**arguments)


def test_the_founding_settings_are_those_of_the_study() -> None:
    recipe = Classifier(preset="microarray-2021", pretext="masked").arguments.settled("expression")
    assert recipe.backbone_settings == {"widths": (1000, 700, 700), "dropout": 0.1}
    fine = recipe.fine_tuning
    assert (fine.hidden, fine.dropout, fine.l1l2, fine.patience) == ((32,), 0.1, (1e-6, 1e-7, 1e-7), 10)
    assert (fine.optimiser, fine.momentum, fine.learning_rate) == ("sgd", 0.85, 1e-3)
    assert recipe.pretext is not None
    assert recipe.pretext.learning_rate == 5e-5
    tcga = Classifier(preset="tcga-2021", pretext="contrastive").arguments.settled("expression")
    assert (tcga.fine_tuning.optimiser, tcga.fine_tuning.learning_rate) == ("adam", 1e-4)
    assert tcga.pretext is not None
    assert tcga.pretext.learning_rate == 1e-5


def test_what_is_given_overrides_a_preset_part_by_part() -> None:
    given = Classifier(preset="tcga-2021", backbone_settings={"dropout": 0.3}, hidden=[], learning_rate=0.01)
    recipe = given.arguments.settled("expression")
    assert recipe.backbone_settings == {"widths": (1000, 700, 700), "dropout": 0.3}
    assert (recipe.fine_tuning.hidden, recipe.fine_tuning.learning_rate) == ((), 0.01)
    assert recipe.fine_tuning.l1l2 == (1e-6, 1e-7, 1e-7)
    task = Classifier(preset="tcga-2021", pretext="masked", pretext_settings={"mask_share": 0.5}).arguments
    pretext = task.settled("expression").pretext
    assert pretext is not None
    assert (pretext.learning_rate, pretext.mask_share) == (1e-5, 0.5)  # type: ignore[attr-defined]


def test_patients_of_another_kind_or_other_genes_are_refused(cohort: Cohort) -> None:
    cells = simulate("simulated-cells", 30, seed=0)
    with pytest.raises(DataError, match="preset 'small-cnn' is for image data; this cohort holds expression data"):
        Classifier(preset="small-cnn").fit(cohort)
    with pytest.raises(DataError, match="backbone 'mlp' is not for image data; known: small-cnn"):
        Classifier(backbone="mlp").fit(cells)
    with pytest.raises(DataError, match="pretext 'scarf' is not for image data"):
        Classifier(pretext="scarf").pretrain(cells)
    pretrained = Classifier(pretext="masked", pretext_settings=FEW, **NARROW).pretrain(cohort)
    other = simulate("simulated-expression", 60, seed=0, genes=11)
    with pytest.raises(DataError, match="same 10 features"):
        Classifier(pretext="masked", pretext_settings=FEW, **NARROW).start_from(pretrained).fit(other)
    with pytest.raises(DataError, match="same 10 features"):
        pretrained.embed(other)


def test_another_architecture_is_refused_by_what_differs(cohort: Cohort) -> None:
    first = Classifier(pretext="masked", pretext_settings=FEW, **NARROW).pretrain(cohort)
    wide: dict[str, Any] = {**NARROW, "backbone_settings": {"widths": [6, 5]}}
    with pytest.raises(DataError, match=r"backbone_settings: widths is \(6, 5\) in this one and \(6, 4\) in the other"):
        Classifier(pretext="masked", pretext_settings=FEW, **wide).start_from(first)
    with pytest.raises(DataError, match="pretext is 'vime' in this one and 'masked' in the other"):
        Classifier(pretext="vime", pretext_settings=FEW, **NARROW).start_from(first)
    with pytest.raises(DataError, match="pretext is '' in this one and 'masked' in the other"):
        Classifier(**NARROW).start_from(first)


def test_validation_patients_of_other_classes_are_refused(cohort: Cohort) -> None:
    other = simulate("simulated-expression", 60, seed=0, genes=10, classes=2)
    with pytest.raises(DataError, match="validation patients of classes"):
        Classifier(**NARROW).fit(cohort, validation=other)


def test_pretraining_anew_forgets_the_labels(cohort: Cohort) -> None:
    model = Classifier(pretext="masked", pretext_settings=FEW, **NARROW).pretrain(cohort).fit(cohort)
    model.pretrain(cohort, seed=1)
    assert model.classes == ()
    with pytest.raises(DataError, match="not fitted"):
        model.predict_proba(cohort)


def test_a_summary_tells_the_work_done(cohort: Cohort) -> None:
    model = Classifier(pretext="masked", pretext_settings=FEW, **NARROW).pretrain(cohort)
    assert set(model.summary) == {"pretext"}
    model.fit(cohort, runtime=Runtime(device="cpu"))
    told = model.summary
    assert (told["steps"], told["epochs"], told["device"], told["precision"]) == (2, 0.53, "cpu", "32-true")
    assert told["seconds_an_epoch"] == pytest.approx(told["seconds"] / (32 / 60), abs=2e-3)
    # dense 10-6-4, batch norm; 4-32, batch norm; 32-3
    assert told["parameters"] == (10 * 6 + 6 + 12) + (6 * 4 + 4 + 8) + (4 * 32 + 32 + 64) + (32 * 3 + 3)
    assert told["pretext"]["steps"] == 2


def test_only_what_is_needed_again_is_saved(cohort: Cohort, tmp_path: Path) -> None:
    for pretext, kept in (("masked", {"backbone", "values"}), ("scarf", {"backbone"})):
        model = Classifier(pretext=pretext, pretext_settings=FEW, **NARROW).pretrain(cohort)
        model.save(tmp_path / pretext)
        names = load_file(tmp_path / pretext / "classifier.safetensors")
        assert {name.split("/")[1] for name in names if name.startswith("pretrained/")} == kept
        assert not [value for value in names.values() if len(cohort) in value.shape]
        back = load(tmp_path / pretext)
        np.testing.assert_array_equal(back.embed(cohort), model.embed(cohort))
        with pytest.raises(DataError, match="not fitted"):
            back.predict_proba(cohort)


def test_folders_that_are_no_classifiers_are_refused(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not fitted"):
        Classifier(**NARROW).save(tmp_path / "new")
    model, place = Classifier(**NARROW).fit(cohort), tmp_path / "model"
    model.save(place)
    with pytest.raises(DataError, match="exists already"):
        model.save(place)
    with pytest.raises(DataError, match="not a classifier; expected a folder with"):
        load(tmp_path / "nowhere")
    card, tensors = place / "classifier.json", place / "classifier.safetensors"
    whole, weights = json.loads(card.read_text()), tensors.read_bytes()
    card.write_text("{")
    with pytest.raises(DataError, match="not readable as JSON"):
        load(place)
    card.write_text(json.dumps({**whole, "format": "other/1"}))
    with pytest.raises(DataError, match="another program's file or another version"):
        load(place)
    card.write_text(json.dumps({**whole, "arguments": {**whole["arguments"], "fine_tuning": {"gone": 1}}}))
    with pytest.raises(DataError, match="written by another version of this program .*'gone'"):
        load(place)
    card.write_text(json.dumps(whole))
    tensors.write_bytes(weights[:-8])
    with pytest.raises(DataError, match="changed or cut off"):
        load(place)
    save_file({"inputs/mean": np.zeros(3, np.float32)}, tensors)
    with pytest.raises(DataError, match="changed or cut off"):
        load(place)
    tensors.write_bytes(weights)
    np.testing.assert_array_equal(load(place).predict_proba(cohort), model.predict_proba(cohort))
