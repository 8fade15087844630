"""Private fits: every network's gradients patient by patient, statistics through the Gaussian mechanism, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cohortsmith.data import DataError
from cohortsmith.generators import load, make_generator
from cohortsmith.generators.kinds import bind
from cohortsmith.generators.private.budget import Statistics
from cohortsmith.generators.private.expression_codec import PrivateExpressionCodec
from cohortsmith.generators.private.image_codec import PrivateImageCodec
from cohortsmith.training import Plan, Privacy, Progress, Runtime
from cohortsmith.training.meter import Meter
from cohortsmith.training.private import PrivateMoves, SinglePatientBatch
from tests.contracts.cohorts import cohort_of

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.data import Cohort
    from cohortsmith.generators.contracts.objective import Family

FAMILIES = ("gan", "wgan", "vae", "diffusion")
TINY: dict[str, Any] = {"steps": 4, "width": 32, "depth": 1, "batch_size": 20, "dp_epsilon": 3.0}
RNG = np.random.default_rng(0)


def networks(family: str, cohort: Cohort) -> tuple[Family, dict[str, nn.Module], Tensor, Tensor]:
    bound = bind(cohort.kind, family, TINY)
    x = torch.from_numpy(np.ascontiguousarray(bound.codec.fit_encode(cohort, RNG)))
    loss, nets = bound.objective, bound.build(len(cohort.classes))
    with torch.no_grad():  # layers that start at zero hide the others' gradients
        for net in nets.values():
            for weight in net.parameters():
                weight.add_(0.1 * torch.randn(weight.shape))
    return loss, nets, x, torch.from_numpy(cohort.y)


def half(self: Any, *shape: int) -> Tensor:
    return torch.full((len(self), *shape), 0.4)


@pytest.mark.parametrize("kind", ["log-floor", "image"])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_of_all_networks_are_those_of_patients_one_by_one(
    family: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for draw in ("randn", "rand"):
        monkeypatch.setattr(SinglePatientBatch, draw, half)
    monkeypatch.setattr(
        "cohortsmith.training.private.noise_multiplier", lambda *budget, **releases: 1.0
    )  # no need to search
    loss, nets, x, y = networks(family, cohort_of(kind))
    meter, plan = Meter(torch.device("cpu"), lambda tensor: tensor), Plan(steps=4, batch_size=20)
    moves = PrivateMoves(
        loss, nets, loss.players(nets), x, y, plan=plan, privacy=Privacy(50.0, 1e-3), meter=meter, views=None
    )
    for player in set(loss.private_moves(3, 4)) - loss.blind:
        found = moves._gradients(player, torch.arange(3), 3)
        weights = list(moves.weights[player].values())
        for row in range(3):
            alone = SinglePatientBatch(x[row : row + 1], y[row : row + 1], torch.Generator(), 3, 4)
            slow = torch.autograd.grad(loss.private_loss(nets, alone, player), weights, allow_unused=True)
            for fast, own in zip(found, slow, strict=True):
                own = torch.zeros_like(fast[row]) if own is None else own
                torch.testing.assert_close(fast[row], own, rtol=2e-3, atol=2e-4 * max(float(own.abs().max()), 1e-3))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_blind_player_sees_nobody(family: str) -> None:
    loss, nets, _, y = networks(family, cohort_of("log-floor"))
    for player in loss.blind:
        nobody = SinglePatientBatch(torch.empty(len(y), 0), y, torch.Generator(), 0, 4)
        assert torch.isfinite(loss.private_loss(nets, nobody, player))


@pytest.mark.parametrize(
    ("family", "kind"), [("gan", "log-floor"), ("wgan", "counts"), ("vae", "image"), ("diffusion", "wide")]
)
def test_a_private_fit_keeps_its_budget_and_is_saved_with_it(family: str, kind: str, tmp_path: Path) -> None:
    cohort, wide = cohort_of(kind), {"wide": 50, "rank": 8} if kind == "wide" else {}
    generator = make_generator(family, **TINY, **wide).fit(cohort, seed=0)
    told = generator.summary["privacy"]
    releases = {"wide": 5, "image": 5}.get(kind, 4)
    assert 2.9 < told["epsilon_spent"] <= 3.0
    assert told["delta"] == pytest.approx(0.1 / len(cohort))
    assert told["unit"] == "patient"
    assert told["charges"][0][1:] == [1.0, releases], "counts, means, of classes, deviations (products)"
    assert told["charges"][1] == [told["noise_multiplier"], 20 / 60, told["steps"]]
    assert generator.schema.class_counts != tuple(cohort.class_counts().values()), "counts without noise"
    assert all(
        set(row) <= {"step", "loss_generator"} | {key for key in row if "gradient" in key} for row in generator.history
    )
    assert not generator.summary["diversity"]
    generator.save(tmp_path / "model")
    assert cohort.digest() not in (tmp_path / "model/model.json").read_text()
    again = load(tmp_path / "model")
    sample = again.sample({"class-A": 20}, seed=1)
    assert sample.digest() == generator.sample({"class-A": 20}, seed=1).digest()
    assert again.summary["privacy"] == told
    assert np.isfinite(sample.x).all()


def test_statistics_stated_public_cost_nothing() -> None:
    cohort = cohort_of("log-floor")
    generator = make_generator("vae", **TINY, dp_public_statistics=True, dp_delta=1e-3).fit(cohort, seed=0)
    told = generator.summary["privacy"]
    assert len(told["charges"]) == 1
    assert told["taken_as_public"][-2:] == ["statistics of the codec", "class counts"]
    assert told["delta"] == 1e-3
    assert generator.class_counts == cohort.class_counts()


def told_of(cohort: Cohort, **more: str | int) -> Cohort:
    return replace(cohort, provenance={**cohort.provenance, **more})


def test_rules_that_follow_from_all_patients_are_refused_or_stated() -> None:
    cohort = cohort_of("log-floor")
    with pytest.raises(DataError, match=r"the scale must be stated, as --scale log .*outside the budget"):
        make_generator("vae", **TINY).fit(told_of(cohort, scale_from="values"))
    filled = told_of(cohort, scale_from="stated", imputed=3)
    with pytest.raises(DataError, match=r"must not be filled with the medians of these patients.*elsewhere"):
        make_generator("vae", **TINY).fit(filled)
    told = make_generator("vae", **TINY, dp_public_statistics=True).fit(filled).summary["privacy"]
    assert {"scale of the values", "medians that fill missing values"} <= set(told["taken_as_public"])
    make_generator("vae", steps=2, width=16, depth=1).fit(told_of(cohort, scale_from="values", imputed=3))


def test_decimals_are_stated_and_not_looked_up() -> None:
    cohort = cohort_of("log-floor")
    cohort = replace(cohort, x=np.round(cohort.x, 1))
    for stated, decimals in ((0, None), (2, 2)):
        codec = PrivateExpressionCodec(dp_decimals=stated)
        codec.fit_encode(cohort, RNG)
        assert codec.table.decimals == decimals
    with pytest.raises(DataError, match="dp_decimals must be at most 6; got 9"):
        PrivateExpressionCodec(dp_decimals=9)


def test_a_patient_of_many_records_counts_as_one() -> None:
    """The noised statistics of a cohort in which one patient has thirty records are those of one record of theirs."""
    cohort = cohort_of("log-floor")
    subjects = cohort.subjects.copy()
    subjects[:30] = "one"
    repeated = replace(cohort, subjects=subjects)
    bound = bind("expression", "vae", {"dp_epsilon": 3.0})
    spending = bound.open_budget(repeated, None)
    assert spending is not None
    assert spending.patients == 31
    kept = spending.one_record_each(repeated)
    assert sorted(kept.subjects) == sorted(set(subjects))
    assert list(kept.ids) == list(spending.one_record_each(repeated).ids), "a resumed fit would take another record"
    picked = [replace(spending, secret=secret).one_record_each(repeated).ids[0] for secret in range(40)]
    assert len(set(picked)) > 10, "always the same record"
    told = make_generator("vae", **TINY).fit(repeated, seed=0).summary["privacy"]
    assert (told["unit"], told["records_per_patient"]) == ("patient", 1)
    assert told["sample_rate"] == pytest.approx(14 / 31)
    assert told["delta"] == pytest.approx(0.1 / 31)


def test_sums_are_released_with_the_noise_that_is_charged() -> None:
    values = np.full((10, 2000), 3.0)
    values[0] = 1e6  # drawn in to the radius like everybody
    statistics = Statistics(2.0, np.random.default_rng(0))
    plain, noised = Statistics().total(values, 50.0), statistics.total(values, 50.0)
    assert np.linalg.norm(plain) == pytest.approx(500.0)
    assert (noised - plain).std() == pytest.approx(100.0, rel=0.05)
    gram = statistics.gram(values[:, :40], 5.0)
    assert np.array_equal(gram, gram.T)
    assert (gram - Statistics().gram(values[:, :40], 5.0)).std() == pytest.approx(50.0, rel=0.1)
    assert statistics.charges == [(2.0, 1.0, 1)] * 2


def test_counts_never_say_that_a_class_is_empty() -> None:
    y = np.repeat([0, 2], [50, 3])
    assert Statistics().counts(y, 4).tolist() == [50, 0, 3, 0]
    drawn = np.stack([Statistics(4.0, np.random.default_rng(seed)).counts(y, 4) for seed in range(300)])
    assert drawn.min() == 1
    assert drawn[:, 0].mean() == pytest.approx(50, abs=1)


@pytest.mark.parametrize("kind", ["log-floor", "counts", "wide", "image", "grey"])
def test_a_code_follows_from_one_record_and_the_statistics(kind: str) -> None:
    cohort = cohort_of(kind)
    codec: Any = PrivateImageCodec() if cohort.kind == "image" else PrivateExpressionCodec(wide=50, rank=8)
    whole = codec.fit_encode(cohort, RNG)
    alone = np.concatenate([codec.encode(cohort.take([row]), RNG) for row in range(5)])
    np.testing.assert_allclose(alone, whole[:5], rtol=1e-4, atol=1e-4)
    assert np.abs(whole).max() < 20
    assert 0.3 < whole.std() < 1.5
    back = codec.decode(whole, cohort.y, RNG)
    assert back.dtype == cohort.x.dtype
    if kind == "log-floor":
        np.testing.assert_allclose(back, cohort.x, atol=0.5)
        assert (back <= 24).all()


@pytest.mark.parametrize(
    ("family", "settings", "says"),
    [
        ("vae", {"dp_epsilon": -1.0}, "dp_epsilon must be above 0"),
        ("vae", {"dp_delta": 1e-5}, "dp_delta is a setting of differential privacy; set dp_epsilon"),
        ("vae", {"dp_bounds": [0.0, 16.0]}, "dp_bounds is for fits with dp_epsilon"),
        ("vae", {"dp_epsilon": 1.0, "dp_bounds": [16.0, 0.0]}, "a least and a largest log2 value"),
        (
            "vae",
            {"dp_epsilon": 1.0, "calibrate_marginals": False},
            "calibrate_marginals is not for fits with dp_epsilon",
        ),
        ("vae", {"dp_epsilon": 1.0, "validation": 0.1}, "there is no early stopping"),
        ("vae", {"dp_epsilon": 1.0, "balanced": True}, "every patient is drawn with the same probability"),
        ("vae", {"dp_epsilon": 1.0, "prior": "fitted"}, "prior must be normal"),
        ("vae", {"dp_epsilon": 1.0, "dp_clip": 0.0}, "dp_clip must be a positive norm"),
        ("gan", {"dp_epsilon": 1.0, "r1": 1.0}, "r1 must be 0"),
        ("wgan", {"dp_epsilon": 1.0, "gradient_penalty": 10.0}, "gradient_penalty must be 0"),
        ("vae", {"dp_epsilon": 1.0, "dp_delta": 0.5}, "dp_delta must be below one over the patients, 1/60"),
        ("mvn", {"dp_epsilon": 1.0}, "mvn has no setting 'dp_epsilon'"),
    ],
)
def test_what_a_private_fit_has_no_room_for_is_refused(family: str, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        make_generator(family, **settings).fit(cohort_of("log-floor"))


def test_sequences_are_refused() -> None:
    with pytest.raises(DataError, match="differential privacy is there for expression and images"):
        make_generator("vae", dp_epsilon=1.0).fit(cohort_of("sequence"))


def test_private_components_are_for_panels() -> None:
    bound = bind("expression", "vae", {"dp_epsilon": 1.0, "wide": 5})
    bound.open_budget(cohort_of("wide"), None)
    codec = bound.codec
    codec.fit_encode(cohort_of("wide"), RNG)
    many = replace(cohort_of("wide"), x=np.tile(cohort_of("wide").x, 50), features=tuple(map(str, range(4500))))
    with pytest.raises(DataError, match="at most 4000 genes, this cohort has 4500"):
        codec.fit_encode(many, RNG)


def test_a_resumed_fit_releases_nothing_twice(tmp_path: Path) -> None:
    class Stop(Exception):
        """Stands for whatever ends a fit in its middle."""

    def tell(progress: Progress) -> None:
        if progress.step >= 3:
            raise Stop

    cohort, folder = cohort_of("log-floor"), tmp_path / "run"
    runtime = Runtime("cpu", checkpoint=folder, checkpoint_every=2, on_progress=tell)
    with pytest.raises(Stop):
        make_generator("vae", **TINY).fit(cohort, seed=0, runtime=runtime)
    runtime = Runtime("cpu", checkpoint=folder, checkpoint_every=100)
    one, other = (make_generator("vae", **TINY).fit(cohort, seed=0, runtime=runtime) for _ in range(2))
    assert one.summary["resumed_from"] == 2  # with other statistics it would be another run's checkpoint
    assert one.summary["privacy"]["epsilon_spent"] <= 3.0
    assert one.sample(9, seed=1).digest() == other.sample(9, seed=1).digest()
