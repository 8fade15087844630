"""What every family and baseline promises, whatever data kind it learned."""

from __future__ import annotations

import gc
import random
import weakref
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from cohortsmith.data import DataError, log_expression
from cohortsmith.generators import FAMILIES, VAE, Generator, load, make_generator
from cohortsmith.training import TrainingError
from tests.contracts.cohorts import COHORTS, cohort_of, data_kind

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


TINY: dict[str, Any] = {"steps": 20, "width": 32, "depth": 1, "batch_size": 32}
TINIER = TINY | {"steps": 2, "batch_size": 16}  # of images, whose networks work a hundred times as long a step
NEURAL = ("gan", "wgan", "vae", "diffusion")
OWN = (*NEURAL, "copula", "mvn", "bootstrap", "marginals", "pwm", "random-edits", "good-turing", "vlmc")
SAVABLE = tuple(name for name in OWN if FAMILIES[name].savable)
EXPRESSION = tuple(name for name in OWN if "expression" in FAMILIES[name].kinds)
CASES = [(name, kind) for name in OWN for kind in COHORTS if data_kind(kind) in FAMILIES[name].kinds]


def home(family: str) -> str:
    """A cohort that the family learns."""
    return "log-floor" if "expression" in FAMILIES[family].kinds else "sequence"


def settings_of(family: str, kind: str) -> dict[str, Any]:
    if family not in NEURAL:
        return {}
    of_images = data_kind(kind) == "image"
    quick: dict[str, Any] = {"sampling_steps": 4} if family == "diffusion" else {}
    if family == "vae" and of_images:  # a flow of its own makes its latents
        quick = {"solver_steps": 3, "prior_width": 32, "prior_depth": 1}
    if data_kind(kind) == "expression":  # all steps: networks that add nothing to the copula would be left out
        quick |= {"validation": 0.0}
    return (TINIER if of_images else TINY) | quick


def fresh(family: str, kind: str = "") -> Generator:
    return make_generator(family, **settings_of(family, kind))


@lru_cache
def fitted(family: str, kind: str) -> Generator:
    return fresh(family, kind).fit(cohort_of(kind), seed=0)


def random_states() -> tuple[str, str, str]:
    return str(torch.get_rng_state().tolist()), str(np.random.get_state()), str(random.getstate())  # noqa: NPY002


every = pytest.mark.parametrize("family", OWN)
savable = pytest.mark.parametrize("family", SAVABLE)
everywhere = pytest.mark.parametrize(("family", "kind"), CASES)
saved_everywhere = pytest.mark.parametrize(("family", "kind"), [case for case in CASES if case[0] in SAVABLE])


def test_the_contract_is_held_against_every_family() -> None:
    assert set(FAMILIES) == {*OWN, "sdv-gaussiancopula", "sdv-ctgan", "sdv-tvae"}
    for name, kind in FAMILIES.items():
        assert kind.family == name


@everywhere
def test_samples_are_patients_that_could_exist(family: str, kind: str) -> None:
    train = cohort_of(kind)
    sample = fitted(family, kind).sample({"class-C": 70, "class-A": 130}, seed=2)
    assert sample.class_counts() == {"class-A": 130, "class-B": 0, "class-C": 70}
    assert (sample.features, sample.classes, sample.kind) == (train.features, train.classes, train.kind)
    assert (sample.scale, sample.provenance["label"]) == (train.scale, "er")
    assert sample.x.shape == (200, *train.x.shape[1:])
    assert sample.x.dtype == train.x.dtype
    assert np.isfinite(sample.x).all()
    if kind == "sequence" and family != "bootstrap":
        assert sample.x.max() <= 4, "a masked place was generated"
    assert len(set(sample.ids)) == len(set(sample.subjects)) == 200
    if kind == "counts":
        assert (sample.x >= 0).all()
        assert (sample.x == np.rint(sample.x)).all()
        assert 0.3 < np.median(sample.x.sum(axis=1)) / np.median(train.x.sum(axis=1)) < 3
    if kind == "linear":
        assert train.x.min() < 0
    if kind == "log-floor":
        floor = train.x.min(axis=0)
        assert (sample.x >= floor).all()
        assert 0.1 < (sample.x == floor).mean() < 0.6, "the point mass at the floor is lost"


@everywhere
def test_same_seed_same_patients(family: str, kind: str) -> None:
    generator = fitted(family, kind)
    first, again, other = (generator.sample(9, seed=seed) for seed in (5, 5, 6))
    assert first.digest() == again.digest()
    assert list(first.ids) == list(again.ids)
    assert not np.array_equal(first.x, other.x)


@every
def test_fit_is_reproducible_and_returns_the_generator(family: str) -> None:
    generator = fresh(family)
    assert generator.fit(cohort_of(home(family)), seed=0) is generator
    first = generator.sample(20, seed=1).digest()
    assert first == fitted(family, home(family)).sample(20, seed=1).digest()
    # Fitted once more, on other patients, nothing of the first fit is left.
    kinds = [kind for kind in COHORTS if data_kind(kind) in generator.kinds]
    for kind in kinds:
        names = settings_of(family, kind).keys()  # what it is first fitted to, of another kind where that has them too
        alike = [other for other in kinds if settings_of(family, other).keys() == names]
        before = alike[(alike.index(kind) + 1) % len(alike)]
        again = fresh(family, kind).fit(cohort_of(before), seed=0).fit(cohort_of(kind), seed=0)
        assert again.sample(20, seed=1).digest() == fitted(family, kind).sample(20, seed=1).digest()


@pytest.mark.parametrize("family", NEURAL)
def test_another_seed_trains_another_model(family: str) -> None:
    other = fresh(family).fit(cohort_of(home(family)), seed=1)
    assert not np.array_equal(other.sample(20, seed=1).x, fitted(family, home(family)).sample(20, seed=1).x)


@every
def test_the_global_random_state_is_left_alone(family: str, tmp_path: Path) -> None:
    before = random_states()
    generator = fresh(family).fit(cohort_of(home(family)), seed=0)
    generator.sample(5, seed=0)
    if generator.savable:
        generator.save(tmp_path / "model")
        load(tmp_path / "model").sample(5)
    assert random_states() == before


@every
def test_the_callers_random_state_changes_nothing(family: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(987)
        generator = fresh(family).fit(cohort_of(home(family)), seed=0)
        torch.manual_seed(654)
        sample = generator.sample(20, seed=1)
    assert sample.digest() == fitted(family, home(family)).sample(20, seed=1).digest()


@every
def test_a_number_alone_keeps_the_proportions_of_train(family: str) -> None:
    generator, train = fitted(family, home(family)), cohort_of(home(family))
    for n in (1, 7, 60):
        sample = generator.sample(n)
        exact = np.bincount(train.y) * n / len(train)
        assert len(sample) == n
        assert (np.abs(np.bincount(sample.y, minlength=3) - exact) < 1).all()
    assert generator.sample(60).class_counts() == train.class_counts()
    assert len(generator.sample(np.int64(4))) == 4  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["gan", "mvn", "bootstrap"])
def test_batches_are_the_same_patients_in_parts(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cohortsmith.generators.contracts.generator._BATCH_VALUES", 12 * 25)
    generator = fitted(family, "counts")
    parts = list(generator.sample_batches({"class-A": 30, "class-C": 31}, seed=3))
    assert [len(part) for part in parts] == [25, 25, 11]
    whole = generator.sample({"class-A": 30, "class-C": 31}, seed=3)
    np.testing.assert_array_equal(np.concatenate([part.x for part in parts]), whole.x)
    np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), whole.y)
    assert [name for part in parts for name in part.ids] == list(whole.ids)


@saved_everywhere
def test_a_saved_model_makes_the_same_patients(family: str, kind: str, tmp_path: Path) -> None:
    generator = fitted(family, kind)
    generator.save(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["model.json", "model.safetensors"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"], "something half-written is left behind"
    back = load(tmp_path / "model")
    assert type(back) is type(generator)
    assert back.sample(30, seed=4).digest() == generator.sample(30, seed=4).digest()
    assert (back.settings, back.history, back.summary) == (generator.settings, generator.history, generator.summary)
    assert back.class_counts == cohort_of(kind).class_counts()
    back.save(tmp_path / "again")
    assert (tmp_path / "again/model.safetensors").read_bytes() == (tmp_path / "model/model.safetensors").read_bytes()


@pytest.mark.parametrize(("family", "kind"), [case for case in CASES if case[0] in NEURAL])
def test_a_saved_model_holds_only_the_networks_that_sampling_needs(family: str, kind: str, tmp_path: Path) -> None:
    generator = fitted(family, kind)
    generator.save(tmp_path / "model")
    names = {name.split(".")[1] for name in load_file(tmp_path / "model/model.safetensors") if name.startswith("net.")}
    assert not names & {"critic", "discriminator", "encoder"}
    back = load(tmp_path / "model")
    if isinstance(generator, VAE) and isinstance(back, VAE):
        way, again = (one.interpolate("class-A", "class-C", 3, seed=1) for one in (generator, back))
        assert way.digest() == again.digest()


def test_what_cannot_be_saved_says_why(tmp_path: Path) -> None:
    generator = fitted("bootstrap", "counts")
    assert not generator.savable
    with pytest.raises(DataError, match="training patients themselves"):
        generator.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
    for name in ("sdv-gaussiancopula", "sdv-ctgan", "sdv-tvae"):
        assert not FAMILIES[name].savable
        assert "pickle" in FAMILIES[name].reason


@savable
def test_the_training_records_are_let_go(family: str) -> None:
    train = cohort_of(home(family))
    x = train.x.copy()
    held = weakref.ref(x)
    generator = fresh(family).fit(replace(train, x=x), seed=0)
    del x
    gc.collect()
    assert held() is None
    assert generator.class_counts == train.class_counts()


def likeness(tensor: NDArray[Any], x: NDArray[np.uint8]) -> float:
    """Highest correlation of an image with a row of a tensor that could hold images, in whatever scale and layout."""
    if tensor.size % x[0].size or tensor.std() == 0:
        return 0.0
    rows = tensor.reshape(-1, x[0].size).astype(np.float64)
    highest = 0.0
    for images in (x, x.transpose(0, 3, 1, 2)):
        pixels = images.reshape(len(x), -1).astype(np.float64)
        highest = max(highest, float(np.abs(_unit(rows) @ _unit(pixels).T).max()))
    return highest


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12))


@saved_everywhere
def test_a_saved_model_holds_no_patient(family: str, kind: str, tmp_path: Path) -> None:
    train = cohort_of(kind)
    fitted(family, kind).save(tmp_path / "model")
    tensors = load_file(tmp_path / "model/model.safetensors")
    genes = len(train.features)
    measured = (train.x, log_expression(train)) if train.kind == "expression" else ()  # sequences: see test_sites
    for values in measured:
        for name, tensor in tensors.items():
            # Curves carry the library size of counts as one more column.
            if tensor.ndim == 0 or tensor.shape[-1] not in (genes, genes + 1) or tensor.dtype != np.float32:
                continue
            rows = tensor.reshape(-1, tensor.shape[-1])[:, :genes]
            alike = np.abs(rows[:, None] - values[None]).max(axis=2)
            assert alike.min() > 1e-3, f"{name} holds a training patient"
            for extreme in (values.min(axis=0), values.max(axis=0)):
                own = ((values == extreme).sum(axis=0) < 5) & (extreme != 0)
                assert not (rows[:, own] == extreme[own]).any(), f"{name} holds one patient's extreme"
    if train.kind == "image":
        for name, tensor in tensors.items():
            assert likeness(tensor, train.x) < 0.99, f"{name} holds a training image"
    card = (tmp_path / "model/model.json").read_text()
    assert not any(name in card for name in (*train.ids, *train.subjects))


@every
def test_another_data_kind_is_refused_by_name(family: str) -> None:
    for kind in ("counts", "sequence", "image"):
        if data_kind(kind) not in FAMILIES[family].kinds:
            with pytest.raises(DataError, match=f"{family} learns .*; this cohort is of kind '{data_kind(kind)}'"):
                fresh(family).fit(cohort_of(kind))


@every
def test_an_unfitted_generator_says_so(family: str, tmp_path: Path) -> None:
    generator = fresh(family)
    for use in (lambda: generator.sample(3), lambda: generator.save(tmp_path / "m"), lambda: generator.class_counts):
        with pytest.raises(DataError, match="has not been fitted"):
            use()
    assert "not fitted" in repr(generator)


@every
def test_numbers_that_cannot_be_are_refused(family: str) -> None:
    generator = fitted(family, home(family))
    wrong: list[tuple[Any, str]] = [
        (0, "positive; got 0"),
        (-3, "positive; got -3"),
        ({"class-A": -1}, "must not be negative; got -1"),
        ({"class-A": 0}, "positive"),
        ({}, "positive"),
        ({"class-X": 3}, "unknown class 'class-X'; the model knows class-A, class-B, class-C"),
        (2.5, "whole number"),
        ({"class-A": 2.5}, "must be whole; got 2.5 of 'class-A'"),
        ({"class-A": "2"}, "must be whole"),
    ]
    for asked, message in wrong:
        with pytest.raises(DataError, match=message):
            generator.sample(asked)
    with pytest.raises(DataError, match="seed must be 0 or more"):
        generator.sample(3, seed=-1)
    with pytest.raises(DataError, match="seed must be 0 or more"):
        fresh(family).fit(cohort_of(home(family)), seed=-1)


@every
def test_a_class_needs_patients_to_learn_from(family: str) -> None:
    train = cohort_of(home(family))
    lone = train.take(np.append(np.flatnonzero(train.y != 1), np.flatnonzero(train.y == 1)[:1]))
    with pytest.raises(DataError, match="class 'class-B' has 1 to learn from"):
        fresh(family).fit(lone)
    with pytest.raises(DataError, match="empty"):
        fresh(family).fit(train.take([]))
    absent = fresh(family).fit(train.take(train.y != 1), seed=0)
    assert absent.sample(20).class_counts()["class-B"] == 0
    with pytest.raises(DataError, match="'class-B' had no training patient"):
        absent.sample({"class-B": 1})


@pytest.mark.parametrize("family", [*NEURAL, "marginals"])
def test_too_few_patients_in_all_are_refused(family: str) -> None:
    train = cohort_of("counts")
    few = train.take(np.flatnonzero(train.y == 0)[:9])
    with pytest.raises(DataError, match="at least 10 patients"):
        fresh(family).fit(few)


@pytest.mark.parametrize("family", [family for family in FAMILIES if FAMILIES[family].savable])
def test_no_saved_model_speaks_of_fewer_than_five_patients(family: str) -> None:
    train = cohort_of(home(family))
    few = train.take(np.append(np.flatnonzero(train.y != 1), np.flatnonzero(train.y == 1)[:4]))
    with pytest.raises(DataError, match="at least 5 patients of each class, class 'class-B' has 4"):
        fresh(family).fit(few)


def test_an_unknown_name_is_met_with_near_ones() -> None:
    with pytest.raises(DataError, match=r"unknown family 'difusion'; did you mean diffusion"):
        make_generator("difusion")
    with pytest.raises(DataError, match="known: gan, wgan"):
        make_generator("zzzz")
    for family, name, near in (
        ("gan", "latentdim", "latent_dim"),
        ("wgan", "n_critics", "n_critic"),
        ("vae", "betas", "beta"),
        ("diffusion", "guidence", "guidance"),
        ("mvn", "ranks", "rank"),
    ):
        with pytest.raises(DataError, match=f"{family} has no setting '{name}'; did you mean .*{near}"):
            make_generator(family, **{name: 1})
    with pytest.raises(DataError, match="bootstrap has no setting 'steps'; it has none"):
        make_generator("bootstrap", steps=3)


@pytest.mark.parametrize(
    ("family", "setting", "value", "message"),
    [
        ("vae", "width", -1, "width must be a whole number of at least 1; got -1"),
        ("gan", "steps", 0, "steps must be a whole number"),
        ("wgan", "n_critic", "a", "n_critic must be a whole number"),
        ("diffusion", "guidance", "high", "guidance must be a number of at least 0; got 'high'"),
        ("gan", "balanced", 3, "balanced must be true or false"),
        ("vae", "prior", "nomal", "prior must be one of fitted, normal; got 'nomal'"),
        ("vae", "rank", -2, "rank must be a whole number of at least 0"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(family: str, setting: str, value: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_generator(family, **{setting: value})


@pytest.mark.parametrize("family", NEURAL)
def test_training_that_diverges_is_one_line(family: str) -> None:
    train = cohort_of(home(family))
    broken = make_generator(family, **TINY | {"learning_rate": 1e30})
    with pytest.raises(TrainingError, match="learning_rate"):
        broken.fit(train)
    with pytest.raises(DataError, match="not been fitted"):
        broken.sample(2)


@pytest.mark.parametrize("width", [16, 20, 48])
@pytest.mark.parametrize("family", NEURAL)
def test_image_networks_may_have_any_width(family: str, width: int) -> None:
    train = cohort_of("image")
    generator = make_generator(family, **settings_of(family, "image") | {"width": width}).fit(train, seed=0)
    assert len(generator.sample(3, seed=1)) == 3
