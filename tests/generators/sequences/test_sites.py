"""What is known of an alignment's cells before training, and that it speaks of nobody alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch

from cohortsmith.data import Cohort, DataError
from cohortsmith.data.sequences.effects import EFFECTS
from cohortsmith.data.sequences.reference import TP53
from cohortsmith.generators.sequences.codec import SequenceCodec
from cohortsmith.generators.sequences.networks import SiteNetwork
from cohortsmith.generators.sequences.sites import Sites

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = TP53.window(97, 396)


def cohort(n: int = 60) -> Cohort:
    """Patients like the first 300 bases of the TP53 window; the second half of them is of class "b"."""
    names = np.array([f"p{row}" for row in range(n)])
    x: NDArray[np.uint8] = np.tile(WINDOW.codes, (n, 1))
    return Cohort(
        "sequence", x, (np.arange(n) >= n // 2).astype(np.int64), ("a", "b"), WINDOW.column_names, names,
        pd.DataFrame(index=pd.Index(names)), {"reference": TP53.name},
    )  # fmt: skip


def edited(edits: dict[int, tuple[int, int]]) -> Cohort:
    """The cohort with `edits[row] = (column, symbol)`."""
    made = cohort()
    for row, (column, symbol) in edits.items():
        made.x[row, column] = symbol
    return made


def other(column: int) -> int:
    return int(WINDOW.codes[column] + 1) % 4


@pytest.mark.parametrize(("carriers", "told"), [(4, False), (5, True)])
def test_where_an_edit_stands_is_told_from_five_carriers_on(carriers: int, told: bool) -> None:
    here, there = (
        Sites.fit(edited({row: (column, other(column)) for row in range(carriers)}), 5) for column in (70, 200)
    )
    alike = all(np.array_equal(a, b) for a, b in zip(here.tensors().values(), there.tensors().values(), strict=True))
    assert alike is not told
    assert len(here.common) == (1 if told else 0)


def test_rates_are_probabilities_and_those_of_the_class() -> None:
    made = edited({row: (70, other(70)) for row in range(12)})
    sites = Sites.fit(made, 5)
    np.testing.assert_allclose(np.exp(sites.log_rates).sum(1), 1, rtol=1e-5)
    rates = np.exp(sites.log_rates[:, other(70), 70])
    assert rates[0] == pytest.approx(12 / 30, rel=0.01)
    assert rates[1] < 0.01
    assert rates[2] == pytest.approx(12 / 60, rel=0.01)
    assert np.exp(sites.log_rates[:, 4]).max() < 1e-8, "no patient has a gap"


def test_rare_edits_share_their_rate_among_all_cells() -> None:
    sites = Sites.fit(edited({row: (10 * row + 7, other(10 * row + 7)) for row in range(20)}), 5)
    rare = np.exp(sites.log_rates[0, :4]) * (np.arange(4)[:, None] != sites.consensus)
    assert rare.sum() == pytest.approx(20 / 30, rel=0.01)
    assert rare[rare > 0].std() < 1e-6
    np.testing.assert_allclose(np.exp(sites.log_numbers[0]), [1 / 3, 2 / 3], rtol=0.02)


def test_a_frequent_edit_makes_its_column_polymorphic() -> None:
    sites = Sites.fit(edited({row: (70, other(70)) for row in range(12)}), 5)
    assert np.flatnonzero(sites.polymorphic).tolist() == [70]
    assert np.exp(sites.log_numbers[0, 0]) > 0.95, "a polymorphism is no sporadic edit"


def test_gaps_are_looked_for_where_a_cohort_has_them() -> None:
    assert not Sites.fit(cohort(), 3).has_indels
    assert not Sites.fit(edited({row: (70, other(70)) for row in range(12)}), 3).has_indels
    rare = Sites.fit(edited({row: (10 * row + 7, 4) for row in range(6)}), 3)
    common = Sites.fit(edited(dict.fromkeys(range(12), (70, 4))), 3)
    assert rare.has_indels
    assert common.has_indels
    assert common.indels[0, 4, 70] == 1


def test_a_cell_is_told_what_it_does_to_the_protein() -> None:
    sites = Sites.fit(cohort(), 5)
    features = sites.features.reshape(5, len(sites), -1)
    start = 25 + 5 + 5 + 1
    effects = features[:, :, start : start + len(EFFECTS)]
    # the start codon ATG stands at 143 of the mRNA, column 46; its every substitution loses the start
    assert (effects[:4, 46:49, EFFECTS.index("start-lost")].sum(0) == 3).all()
    assert effects[4].sum() == 0, "a gap alone has no effect that is known"
    assert effects[:, :46, EFFECTS.index("noncoding")].sum() == 3 * 46


def test_masked_places_come_back_as_symbols_and_columns_without_any_base_are_refused() -> None:
    made = cohort()
    made.x[:3, 20] = 5
    codec = SequenceCodec()
    codes = codec.fit_encode(made, np.random.default_rng(0))
    assert codes.shape == (60, 5, 300)
    assert codes[:3, :, 20].sum() == 0
    back = codec.decode(codes[3:], made.y[3:], np.random.default_rng(0))
    np.testing.assert_array_equal(back, made.x[3:])
    made.x[:, 21] = 5
    with pytest.raises(DataError, match=r"column 118 is masked in every sequence"):
        codec.fit_encode(made, np.random.default_rng(0))


def test_symbols_are_drawn_by_their_probabilities_not_the_likeliest() -> None:
    codec = SequenceCodec()
    shares = np.tile(np.array([0.6, 0.3, 0.1, 0.0, 0.0], np.float32)[None, :, None], (20_000, 1, 1))
    drawn = codec.decode(shares, np.zeros(20_000, np.int64), np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(drawn[:, 0], minlength=5) / 20_000, [0.6, 0.3, 0.1, 0, 0], atol=0.012)


def test_a_class_says_nothing_of_its_own_few_carriers() -> None:
    # Six carry the edit, so that its place is known; how few of them are of class "b" is not.
    several = {row: (70, other(70)) for row in range(6)}
    rates = [
        Sites.fit(edited(several | {30 + row: (70, other(70)) for row in range(few)}), 3).log_rates[1, other(70), 70]
        for few in (0, 1, 2, 3)
    ]
    assert rates[0] == pytest.approx(rates[1], abs=1e-3)
    assert rates[1] == pytest.approx(rates[2], abs=1e-3)
    assert rates[3] > rates[2] + 1


def test_a_class_with_few_rare_edits_looks_as_one_without() -> None:
    def rare(few: int) -> float:
        sites = Sites.fit(edited({30 + row: (10 * row + 7, other(10 * row + 7)) for row in range(few)}), 3)
        return float((np.exp(sites.log_rates[1, :4]) * (np.arange(4)[:, None] != sites.consensus)).sum())

    assert rare(0) == pytest.approx(rare(2), abs=1e-5)
    assert rare(3) == pytest.approx(3 / 30, rel=0.01)


def test_a_sure_edit_is_the_surer_the_fewer_places_are_left() -> None:
    # With a grip of one the expected number of edits still hidden stays the same, however few columns may hide them.
    made = edited({row: (10 * row + 7, other(10 * row + 7)) for row in range(20)})
    codec = SequenceCodec()
    codes = torch.from_numpy(codec.fit_encode(made, np.random.default_rng(0)))
    denoiser: Any = SiteNetwork(codec.sites, 2, width=16, depth=1).denoiser()
    with torch.no_grad():
        denoiser.stack.leave.bias[-3] = 1.0  # of rare bases
        for hidden in (300, 30, 3):
            x = codes[59:60].clone()  # a patient without an edit
            x[:, :, :hidden] = 0
            chances = denoiser(x, torch.tensor([hidden / 300]), torch.tensor([0])).softmax(1)[0, :, :hidden]
            edits = chances.sum() - chances.gather(0, codes[59].argmax(0)[None, :hidden]).sum()
            assert 0.5 < edits.item() < 1.2


def test_only_edits_known_by_their_place_have_an_embedding_of_their_own() -> None:
    edits = {row: (70, other(70)) for row in range(3)} | {row: (90, other(90)) for row in (5, 6)}
    sites = Sites.fit(edited(edits), 3)
    denoiser: Any = SiteNetwork(sites, 2, width=16, depth=1).denoiser()
    cells = denoiser.writer.cells
    with torch.no_grad():
        before = cells()
        cells.own += 1
        moved = (cells() != before).any(dim=1).reshape(5, 300).numpy()
    assert np.argwhere(moved).tolist() == [[other(70), 70]]
