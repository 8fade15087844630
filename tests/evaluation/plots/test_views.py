"""Pictures of chosen genes, neighbours, variants and ways: what they show, and that no single patient is in them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from cohortsmith.data import DataError, simulate, split
from cohortsmith.evaluation import Comparison
from cohortsmith.evaluation.core.small_cells import MINIMUM
from cohortsmith.evaluation.html.expression import expression_side
from cohortsmith.evaluation.metrics.images.nearest import nearer_than, neighbours
from cohortsmith.evaluation.metrics.sequences.variant_table import variant_rows
from cohortsmith.evaluation.plots.heatmap import by_class, heatmap
from cohortsmith.evaluation.plots.image_animation import animation
from cohortsmith.evaluation.plots.pca import Side
from cohortsmith.evaluation.plots.umap import neighbourhoods
from cohortsmith.evaluation.spaces.variant_carriers import tally


@pytest.fixture(scope="module")
def sides() -> tuple[Side, Side, tuple[str, ...], tuple[str, ...]]:
    cohort = simulate("simulated-expression", 160, seed=0)
    train, rest = split(cohort, seed=0, holdout=0.4)
    return expression_side(train), expression_side(rest), cohort.features, cohort.classes


def test_rows_of_the_heatmap_are_means_of_five(sides: tuple[Side, Side, tuple[str, ...], tuple[str, ...]]) -> None:
    train, rest, names, classes = sides
    drawn = heatmap(train, rest, names, classes)
    assert [panel.title for panel in drawn.panels] == ["Real patients, train and holdout", "Virtual patients"]
    for panel, side in zip(drawn.panels, (train, rest), strict=True):
        rows = np.asarray(panel.data[0]["z"])
        assert len(rows) * MINIMUM <= len(np.unique(side.subjects))
        genes = [names.index(gene) for gene in panel.layout["xaxis"]["ticktext"]]
        alone = (side.z[:, genes] - train.z[:, genes].mean(axis=0)) / train.z[:, genes].std(axis=0)
        apart = np.abs(rows[:, None] - alone[None]).max(axis=2)
        assert apart.min() > 0.05  # no row is a patient


def test_a_rare_class_has_no_half_violin(sides: tuple[Side, Side, tuple[str, ...], tuple[str, ...]]) -> None:
    train, rest, names, classes = sides
    rare = train.y == 0
    rare[np.flatnonzero(rare)[:3]] = False
    few = Side(train.z[~rare], train.y[~rare], train.subjects[~rare], train.total)
    panel = by_class(few, rest, 0, names[0], classes)
    assert f"Too few patients to draw: {classes[0]}" in panel.note
    assert {trace["legendgroup"] for trace in panel.data} == {"real", "synthetic"}


def test_neighbourhoods_draw_no_real_patient(sides: tuple[Side, Side, tuple[str, ...], tuple[str, ...]]) -> None:
    train, rest, _, classes = sides
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    drawn = neighbourhoods(train, rest, rest, classes)
    left = torch.get_num_threads()
    torch.set_num_threads(threads)
    assert left == 2  # other work of this process keeps its pace and its bits
    assert "mean nothing" in drawn.note
    assert not [t for t in drawn.panels[0].data if t["type"] == "scatter"]  # real patients are regions
    points = sum(len(t["x"]) for t in drawn.panels[1].data if t["type"] == "scatter")
    assert points == len(rest.z)


def test_variants_of_few_patients_are_not_told() -> None:
    train, rest = split(simulate("tp53-cohort", 120, seed=0), seed=0)
    counted = tally(Comparison(train, rest, simulate("tp53-cohort", 40, seed=1)))
    table = variant_rows(counted)
    assert table["real_patients"].dropna().min() >= MINIMUM
    assert table["real"].dropna().is_monotonic_decreasing
    assert (table["synthetic_patients"] > 0)[table["real"].isna()].all()


def test_a_copy_is_its_own_nearest_train_image_however_turned() -> None:
    train, rest = split(simulate("simulated-cells", 90, seed=0), seed=0)
    copy = train.take(np.arange(4))
    copy.x[0] = np.rot90(copy.x[0])
    comparison = Comparison(train, rest, copy)
    found = neighbours(comparison, 0, k=2)
    assert found["train"][0].row == 0
    assert found["train"][0].distance == 0
    assert found["holdout"][0].distance > 0
    assert nearer_than(comparison, 0.0) == 0
    assert nearer_than(comparison, 1e9) == 1


def test_an_animation_has_a_frame_a_step() -> None:
    ways = [simulate("simulated-cells", 16, seed=seed) for seed in (0, 1)]
    image = Image.open(BytesIO(animation(ways, scale=2)))
    assert image.size == (2 * (28 + 1 + 28), 56)
    assert getattr(image, "n_frames", 1) == 16
    with pytest.raises(DataError, match="as many images"):
        animation([])
