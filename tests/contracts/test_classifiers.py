"""What every backbone and every pretext of every data kind promises as a classifier."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import torch

from cohortsmith.data import Cohort, DataError
from cohortsmith.ssl_models import KINDS, PRESETS, Classifier, load
from cohortsmith.ssl_models.pretexts.base import Pretext
from tests.contracts.cohorts import cohort_of

if TYPE_CHECKING:
    from pathlib import Path


class Case(NamedTuple):
    kind: str
    backbone: str
    pretext: str


# Narrow networks where the defaults are wide; a new backbone needs no entry.
NARROW: dict[str, dict[str, Any]] = {
    "mlp": {"widths": [16, 8]},
    "resnet18": {"width": 8},
    "resnet34": {"width": 8},
    "vit": {"width": 16, "depth": 1, "patch_size": 7, "heads": 2},
}
FEW: dict[str, Any] = {"steps": 2, "epochs": 0, "batch_size": 8}
SUPERVISED = [Case(kind, backbone, "") for kind, parts in KINDS.items() for backbone in parts.backbones]
PRETRAINED = [
    Case(kind, (pretext.backbones or tuple(parts.backbones))[0], name)
    for kind, parts in KINDS.items()
    for name, pretext in parts.pretexts.items()
]
# The other backbones that a pretext says it works on.
OTHERS = [
    case
    for kind, parts in KINDS.items()
    for name, pretext in parts.pretexts.items()
    for backbone in pretext.backbones or parts.backbones
    if (case := Case(kind, backbone, name)) not in PRETRAINED
]
VIEWED = [case for case in PRETRAINED if KINDS[case.kind].pretexts[case.pretext].views is not Pretext.views]
MEASURED = [
    case
    for case in PRETRAINED
    if KINDS[case.kind].pretexts[case.pretext].validation_loss is not Pretext.validation_loss
]


def each(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=["-".join(filter(None, case)) for case in cases])


@lru_cache
def patients(kind: str) -> Cohort:
    """Twenty-four patients of three classes, in an order that no sorting gives."""
    cohort = cohort_of({"expression": "log-floor"}.get(kind, kind))
    return cohort.take(np.random.default_rng(0).permutation(60)[:24])


def new(case: Case, **changed: Any) -> Classifier:
    few: dict[str, Any] = {"pretext_settings": FEW} if case.pretext else {}
    narrow = NARROW.get(case.backbone, {})
    return Classifier(backbone=case.backbone, pretext=case.pretext, backbone_settings=narrow, **few, **FEW, **changed)


def learned(case: Case, seed: int = 0) -> Classifier:
    model = new(case)
    if case.pretext:
        model.pretrain(patients(case.kind), seed=seed)
    return model.fit(patients(case.kind), seed=seed)


@lru_cache
def known(case: Case) -> Classifier:
    return learned(case)


@each(SUPERVISED + PRETRAINED)
def test_patients_get_probabilities_and_features(case: Case) -> None:
    cohort, model = patients(case.kind), known(case)
    proba, features = model.predict_proba(cohort), model.embed(cohort)
    assert proba.dtype == np.float64
    assert features.dtype == np.float32
    assert proba.shape == (24, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, atol=1e-9)
    assert np.isfinite(proba).all()
    assert features.ndim == 2
    assert len(features) == 24
    assert np.isfinite(features).all()
    assert features.std() > 0
    np.testing.assert_array_equal(proba, model.predict_proba(cohort.x))
    np.testing.assert_allclose(model.predict_proba(cohort.take([7])), proba[[7]], atol=0.02)  # bfloat16 rounds by batch
    assert model.classes == cohort.classes
    assert model.summary["steps"] == model.summary["best_step"] == 2
    assert model.history[-1]["step"] == 2
    assert {"loss", "accuracy_train"} <= set(model.history[-1])


@each(SUPERVISED + PRETRAINED)
def test_a_seed_repeats_to_the_bit_and_leaves_the_global_state_alone(case: Case) -> None:
    cohort, state = patients(case.kind), torch.get_rng_state()
    again, other = learned(case), learned(case, seed=1)
    assert torch.equal(state, torch.get_rng_state())
    np.testing.assert_array_equal(again.predict_proba(cohort), known(case).predict_proba(cohort))
    assert not np.array_equal(other.embed(cohort), known(case).embed(cohort))
    np.testing.assert_array_equal(again.fit(cohort).predict_proba(cohort), known(case).predict_proba(cohort))


@each(SUPERVISED + PRETRAINED)
def test_what_is_saved_comes_back_and_goes_on(case: Case, tmp_path: Path) -> None:
    cohort, model = patients(case.kind), known(case)
    model.save(tmp_path / "model")
    assert {path.suffix for path in (tmp_path / "model").iterdir()} == {".safetensors", ".json"}
    back = load(tmp_path / "model")
    np.testing.assert_array_equal(back.predict_proba(cohort), model.predict_proba(cohort))
    np.testing.assert_array_equal(back.embed(cohort), model.embed(cohort))
    for name in ("classes", "history", "pretext_history", "summary"):
        assert getattr(back, name) == getattr(model, name)
    np.testing.assert_array_equal(back.fit(cohort).predict_proba(cohort), model.predict_proba(cohort))


@each(PRETRAINED)
def test_a_pretext_reads_no_labels(case: Case) -> None:
    cohort = patients(case.kind)
    turned = replace(cohort, y=(cohort.y + 1) % 3)
    first, second = (new(case).pretrain(one).embed(cohort) for one in (cohort, turned))
    np.testing.assert_array_equal(first, second)


@each(OTHERS)
def test_a_pretext_works_on_every_backbone_that_it_names(case: Case) -> None:
    cohort, state = patients(case.kind), torch.get_rng_state()
    model = new(case).pretrain(cohort)
    assert torch.equal(state, torch.get_rng_state())
    seen = model.embed(cohort)
    assert np.isfinite(seen).all()
    assert seen.std() > 0


@each(PRETRAINED)
def test_the_pretrained_backbone_is_taken_over_and_stays_as_it_was(case: Case) -> None:
    cohort = patients(case.kind)
    first = new(case).pretrain(cohort)
    seen = first.embed(cohort)
    frozen = new(case, frozen="all").start_from(first).fit(cohort)
    np.testing.assert_array_equal(frozen.embed(cohort), seen)
    moved = new(case).start_from(first).fit(cohort)
    assert not np.array_equal(moved.embed(cohort), seen)
    np.testing.assert_array_equal(first.embed(cohort), seen)
    np.testing.assert_array_equal(moved.predict_proba(cohort), known(case).predict_proba(cohort))
    assert moved.summary["pretext"]["steps"] == 2


@each(VIEWED)
def test_views_of_patients_are_paired(case: Case) -> None:
    cohort, model = patients(case.kind), known(case)
    one, other = model.pairs(cohort, seed=3)
    assert one.shape == other.shape == model.embed(cohort).shape
    assert not np.array_equal(one, other)
    for view, again in zip(model.pairs(cohort, seed=3), (one, other), strict=True):
        np.testing.assert_array_equal(view, again)


@each([case for case in PRETRAINED if case not in VIEWED])
def test_a_pretext_without_views_says_so(case: Case) -> None:
    with pytest.raises(DataError, match=f"pretext '{case.pretext}' does not use two views"):
        known(case).pairs(patients(case.kind))


@each(MEASURED)
def test_a_loss_on_held_out_patients_is_told_and_training_can_stop_by_it(case: Case) -> None:
    cohort = patients(case.kind)
    settings = {**FEW, "steps": 9, "patience": 1}
    model = Classifier(
        backbone=case.backbone,
        pretext=case.pretext,
        backbone_settings=NARROW.get(case.backbone, {}),
        pretext_settings=settings,
    )
    told = model.pretrain(cohort.take(range(16)), validation=cohort.take(range(16, 24))).summary["pretext"]
    assert np.isfinite(told["validation_loss"])
    assert [row["step"] for row in model.pretext_history if "validation_loss" in row][:2] == [2, 4]
    assert told["best_step"] <= told["steps"] <= 9


@each([cases[0] for kind in KINDS if (cases := [case for case in PRETRAINED if case.kind == kind])])
def test_what_does_not_go_together_is_refused(case: Case) -> None:
    cohort = patients(case.kind)
    model = new(case)
    with pytest.raises(DataError, match="has not been pretrained"):
        new(case).start_from(model)
    with pytest.raises(DataError, match=f"pretext '{case.pretext}' must be trained first"):
        model.fit(cohort)
    with pytest.raises(DataError, match="not fitted"):
        model.embed(cohort)
    with pytest.raises(DataError, match="has no pretext"):
        new(case._replace(pretext="")).pretrain(cohort)
    known(case)
    with pytest.raises(DataError, match=r"pretext_settings: steps is 3 in this one and 2 in the other"):
        Classifier(
            backbone=case.backbone,
            pretext=case.pretext,
            backbone_settings=NARROW.get(case.backbone, {}),
            pretext_settings={**FEW, "steps": 3},
        ).start_from(known(case))
    for other in KINDS:
        if other != case.kind:
            with pytest.raises(DataError, match=f"is not for {other} data"):
                new(case).pretrain(patients(other))
            with pytest.raises(DataError, match=f"{case.kind!r}|is not for"):
                known(case).predict_proba(patients(other))
    with pytest.raises(DataError, match=r"class 'class-B' has no patients"):
        new(case._replace(pretext="")).fit(cohort.take(cohort.y != 1))
    with pytest.raises(DataError, match="empty"):
        new(case._replace(pretext="")).fit(cohort.take([]))


@each(SUPERVISED)
def test_an_unknown_setting_of_a_backbone_names_those_it_has(case: Case) -> None:
    with pytest.raises(DataError, match=f"backbone {case.backbone} has no setting 'nonsense'; it has"):
        Classifier(backbone=case.backbone, backbone_settings={"nonsense": 1})


@each(PRETRAINED)
def test_an_unknown_setting_of_a_pretext_names_the_near_one(case: Case) -> None:
    with pytest.raises(DataError, match=f"pretext {case.pretext} has no setting 'learning_rat'.*learning_rate"):
        Classifier(backbone=case.backbone, pretext=case.pretext, pretext_settings={"learning_rat": 1})


@pytest.mark.parametrize("name", PRESETS)
def test_presets_stand_by_themselves_and_with_their_pretexts(name: str) -> None:
    preset = PRESETS[name]
    for pretext in ("", *preset.by_pretext):
        recipe = Classifier(preset=name, pretext=pretext).arguments.settled(preset.kind)
        assert recipe.backbone in KINDS[preset.kind].backbones
    assert KINDS[preset.kind].preset in (*PRESETS, "")
