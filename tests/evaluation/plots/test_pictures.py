"""Pictures show what they say, and no bin or region rests on fewer than five real patients."""

from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.evaluation.core.small_cells import MINIMUM, density, histogram, merge_small_bins, patients_per_bin
from cohortsmith.evaluation.plots.families import frontier
from cohortsmith.evaluation.plots.genes import correlations, genes, moments
from cohortsmith.evaluation.plots.panels import OKABE_ITO, class_style
from cohortsmith.evaluation.plots.pca import MOST_POINTS, Side, scatter
from cohortsmith.evaluation.plots.training import training


def people(n: int, start: int = 0) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    return np.asarray([f"p{start + i}" for i in range(n)], dtype=np.str_)


def side(n: int, seed: int, n_genes: int = 10, classes: int = 2) -> Side:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    factor = rng.normal(size=(n, 2)) @ np.random.default_rng(99).normal(size=(2, n_genes))
    z = 8 + factor + 0.3 * rng.normal(size=(n, n_genes)) + 3.0 * y[:, None]
    return Side(z, y.astype(np.int64), people(n, 10_000 * seed), n)


@pytest.mark.parametrize("seed", range(20))
def test_no_bin_of_a_gene_rests_on_one_to_four_patients(seed: int) -> None:
    rng = np.random.default_rng(seed)
    real = np.concatenate([rng.normal(size=rng.integers(10, 200)), rng.standard_cauchy(10)])
    bars = histogram(real, rng.normal(size=50) * 3, people(len(real)))
    assert bars is not None
    counts = np.histogram(np.clip(real, bars.edges[0], bars.edges[-1]), bars.edges)[0]
    assert all(count == 0 or count >= MINIMUM for count in counts)
    assert np.sum(bars.real * np.diff(bars.edges)) == pytest.approx(1)
    assert np.sum(bars.synthetic * np.diff(bars.edges)) == pytest.approx(1)
    assert not set(bars.edges.tolist()) & set(real.tolist())


def test_many_samples_of_few_patients_do_not_make_a_bin() -> None:
    values = np.concatenate([np.zeros(50), np.full(40, 9.0)])
    subjects = np.concatenate([people(50), np.repeat(people(4, 100), 10)])
    bars = histogram(values, values, subjects)
    assert bars is not None
    assert (bars.real > 0).sum() == 1
    assert list(patients_per_bin(np.array([0, 0, 1, -1]), people(4), 2)) == [2, 1]


def test_too_few_patients_are_not_drawn_at_all() -> None:
    assert histogram(np.arange(4.0), np.arange(9.0), people(4)) is None
    assert density(np.random.default_rng(0).normal(size=(8, 2)), people(8)) is None


def test_small_bins_are_merged_and_empty_ones_kept() -> None:
    assert merge_small_bins(np.array([2, 1, 7, 0, 6, 1])) == [0, 3, 4, 6]
    assert merge_small_bins(np.array([9, 0, 0, 2])) == [0, 4]
    assert merge_small_bins(np.array([0, 0, 8])) == [0, 1, 2, 3]
    assert merge_small_bins(np.array([1, 1])) == [0, 2]


def test_a_patient_far_from_the_others_leaves_no_mark_on_the_density() -> None:
    rng = np.random.default_rng(0)
    crowd = rng.normal(size=(300, 2))
    found = density(np.concatenate([crowd, [[9.0, 9.0]]]), people(301))
    assert found is not None
    inside = found.height > 0
    far = (found.x[None, :] > 4.5) & (found.y[:, None] > 4.5)
    assert inside.any()
    assert not inside[far].any()


def test_patients_too_far_apart_to_share_cells_are_drawn_by_mean_and_covariance() -> None:
    corners = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0]])
    found = density(np.concatenate([corners, corners, corners]), people(12))
    assert found is not None
    peak = np.unravel_index(found.height.argmax(), found.height.shape)
    assert (found.x[peak[1]], found.y[peak[0]]) == pytest.approx((4.5, 4.5), abs=1.0)


def test_the_outer_line_encloses_nine_patients_in_ten() -> None:
    points = np.random.default_rng(1).normal(size=(2000, 2)) @ np.array([[2.0, 0.5], [0.0, 0.7]])
    found = density(points, people(2000))
    assert found is not None
    column = np.clip(np.searchsorted(found.x, points[:, 0]), 0, len(found.x) - 1)
    row = np.clip(np.searchsorted(found.y, points[:, 1]), 0, len(found.y) - 1)
    assert np.mean(found.height[row, column] > 0) == pytest.approx(0.9, abs=0.04)
    assert np.mean(found.height[row, column] > found.half) == pytest.approx(0.5, abs=0.06)


def test_synthetic_points_are_thinned_and_the_picture_says_so() -> None:
    picture = scatter(side(200, 0), side(100, 1), side(4000, 2), ("A", "B"))
    right = picture.panels[1]
    points = [trace for trace in right.data if trace["type"] == "scatter"]
    assert sum(len(trace["x"]) for trace in points) == MOST_POINTS
    assert "1,500 of 4,000" in right.note
    assert not [trace for trace in picture.panels[0].data if trace["type"] == "scatter"]


def test_a_class_has_one_colour_in_both_planes_and_the_legend() -> None:
    picture = scatter(side(200, 0), side(100, 1), side(200, 2), ("A", "B"))
    colour = {name: shade for name, shade, _ in picture.legend}
    for panel in picture.panels:
        for trace in panel.data:
            drawn = trace["marker"]["color"] if trace["type"] == "scatter" else trace["line"]["color"]
            assert drawn == colour[trace["legendgroup"]]


def test_classes_beyond_the_palette_differ_by_symbol() -> None:
    styles = {class_style(i)[:2] for i in range(34)}
    assert len(styles) == 34
    assert class_style(0)[0] == class_style(len(OKABE_ITO))[0]


def test_the_gene_that_is_reproduced_worst_comes_first() -> None:
    real, made = side(200, 0), side(200, 3)
    made.z[:, 4] += 10
    names = [f"g{i}" for i in range(10)]
    assert genes(real, made, names).panels[0].title == "g4"
    given = np.zeros(10)
    given[7] = 2.0
    assert genes(real, made, names, given).panels[0].title == "g7"


def test_a_gene_moved_by_one_lies_one_above_the_line() -> None:
    real = side(100, 0)
    made = Side(real.z + np.eye(10)[2], real.y, real.subjects, 100)
    dots = moments(real, made, [f"g{i}" for i in range(10)]).panels[0].data[1]
    gap = np.asarray(dots["y"]) - np.asarray(dots["x"])
    assert gap == pytest.approx(np.eye(10)[2], abs=0.01)


def test_correlation_maps_share_an_order_and_differ_where_structure_is_lost() -> None:
    train, holdout, same = side(300, 0, classes=1), side(300, 1, classes=1), side(300, 2, classes=1)
    rng = np.random.default_rng(0)
    broken = Side(np.stack([rng.permutation(column) for column in same.z.T], axis=1), same.y, same.subjects, 300)
    names = [f"g{i}" for i in range(10)]
    kept, lost = (correlations(train, holdout, made, names).panels for made in (same, broken))
    there = np.asarray(kept[0].data[0]["z"])
    assert there == pytest.approx(there.T)
    assert kept[0].data[0]["text"] == kept[1].data[0]["text"] == lost[0].data[0]["text"]
    assert np.abs(np.asarray(kept[2].data[0]["z"])).max() < 0.25 < np.abs(np.asarray(lost[2].data[0]["z"])).max()


def test_a_gan_shows_its_scores_with_the_line_at_one_half_and_the_divergence() -> None:
    history = [
        {"step": s, "d_real": 0.9 - s / 1000, "d_fake": 0.1, "js": 0.4, "loss_generator": 1.0} for s in range(300)
    ]
    panels = training(history).panels
    assert [panel.title for panel in panels[:2]] == ["Discriminator's scores", "Jensen-Shannon divergence, estimated"]
    assert panels[0].layout["shapes"][0]["y0"] == 0.5
    assert len(panels) == 3


def test_critic_scores_have_no_line_at_one_half() -> None:
    panels = training([{"step": s, "d_real": 9.0, "d_fake": -4.0} for s in range(9)]).panels
    assert "shapes" not in panels[0].layout


def test_losses_of_other_families_are_shown_and_gaps_in_the_log_are_skipped() -> None:
    history = [
        {"step": 0, "reconstruction": 2.0},
        {"step": 1, "kl": 1.0},
        {"step": 2, "reconstruction": 1.0, "kl": 0.5},
    ]
    panels = training(history).panels
    assert [panel.data[-1]["x"] for panel in panels] == [[0.0, 2.0], [1.0, 2.0]]
    assert training([]).panels == []


def test_a_family_without_figures_is_left_out_of_the_frontier() -> None:
    assert frontier([], "attack", "use") is None
