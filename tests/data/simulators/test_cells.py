"""Simulated blood cells: what the truth says of an image is what its pixels show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from cohortsmith.data import Cohort, DataError, simulate, split


@pytest.fixture(scope="module")
def cells() -> Cohort:
    return simulate("simulated-cells", 1500, 0)


def truth(cohort: Cohort, name: str) -> Any:
    return np.asarray(cohort.provenance["truth"][name])


def test_asked_images_come_back(cells: Cohort) -> None:
    assert cells.x.shape == (1500, 28, 28, 3)
    assert min(cells.class_counts().values()) > 90
    assert cells.digest() == simulate("simulated-cells", 1500, 0).digest()
    assert cells.digest() != simulate("simulated-cells", 1500, 1).digest()
    for n, classes in ((4, 2), (17, 8), (101, 5)):
        few = simulate("simulated-cells", n, 0, classes=classes)
        assert len(few) == n
        assert len(few.classes) == classes
        assert min(few.class_counts().values()) >= 2
        assert all(len(values) == n for values in few.provenance["truth"].values())


def test_stained_area_is_that_of_the_cell(cells: Cohort) -> None:
    stained = (cells.x[..., 1] < 150).sum(axis=(1, 2))  # green is what both dyes take away
    assert np.corrcoef(stained, np.pi * truth(cells, "radius") ** 2)[0, 1] > 0.8
    platelets, basophils = ((cells.labels == name) for name in ("platelet", "basophil"))
    assert np.median(stained[platelets]) < 50 < 200 < np.median(stained[basophils])


def test_nuclei_of_more_lobes_leave_more_gaps(cells: Cohort) -> None:
    """Share of the nucleus's bounding box that it fills: a round one fills it, lobes on an arc do not."""
    lobes = truth(cells, "lobes")
    filled = np.zeros(len(cells))
    for i in np.flatnonzero(cells.labels == "neutrophil"):
        dark = cells.x[i, ..., 0] < 125
        rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
        filled[i] = dark.sum() / (np.ptp(rows) + 1) / (np.ptp(columns) + 1)
    means = [filled[(cells.labels == "neutrophil") & (lobes == k)].mean() for k in (1, 2, 3, 4)]
    assert means[0] > means[1] > means[2]
    assert means[0] > means[3]
    assert set(lobes[cells.labels == "platelet"]) == {0}


def test_blue_stain_is_rare_and_in_every_class(cells: Cohort) -> None:
    blue = truth(cells, "blue")
    for name in cells.classes:
        assert 0.01 < blue[cells.labels == name].mean() < 0.05
    field = np.percentile(cells.x.reshape(len(cells), -1, 3).astype(float), 90, axis=1)  # the empty field
    assert (field[blue, 2] > field[blue, 0] - 15).all()
    assert (field[~blue, 2] < field[~blue, 0] - 30).all()
    assert not truth(simulate("simulated-cells", 60, 0, blue=0.0), "blue").any()


def test_eosinophils_are_red_and_neutrophils_pale(cells: Cohort) -> None:
    cytoplasm = cells.x[:, 6:22, 6:22].reshape(len(cells), -1, 3).astype(float)
    usual = ~truth(cells, "blue")
    red = np.median(cytoplasm[..., 0] - cytoplasm[..., 2], axis=1)
    means = {name: red[(cells.labels == name) & usual].mean() for name in cells.classes}
    stained = {name: means[name] for name in cells.classes if name not in ("platelet", "neutrophil", "erythroblast")}
    assert max(stained, key=lambda name: stained[name]) == "eosinophil"


def test_classes_can_be_told_apart_though_not_by_colour_alone(cells: Cohort) -> None:
    train, test = split(cells, 0)
    coarse = [c.x.reshape(len(c), 7, 4, 7, 4, 3).mean(axis=(2, 4)).reshape(len(c), -1) / 255 for c in (train, test)]
    mean = [c.x.mean(axis=(1, 2)) / 255 for c in (train, test)]
    by_shape = LinearDiscriminantAnalysis().fit(coarse[0], train.y).score(coarse[1], test.y)
    by_colour = LinearDiscriminantAnalysis().fit(mean[0], train.y).score(mean[1], test.y)
    assert by_shape > 0.75
    assert by_shape > by_colour + 0.1


def test_what_cannot_be_simulated_is_said() -> None:
    with pytest.raises(DataError, match="at least 2 images per class; got 8 classes, 12 images"):
        simulate("simulated-cells", 12, 0)
    with pytest.raises(DataError, match="2 to 8 classes"):
        simulate("simulated-cells", 100, 0, classes=9)
    with pytest.raises(DataError, match="0 or more and below 1; got 2"):
        simulate("simulated-cells", 100, 0, blue=2)
    with pytest.raises(DataError, match="no option 'genes'"):
        simulate("simulated-cells", 100, 0, genes=3)
