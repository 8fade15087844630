"""One place a data kind: no comparison with a kind's name elsewhere, and a new kind is a list of registries."""

from __future__ import annotations

from pathlib import Path

import pytest

from cohortsmith.data import duplicates, split
from cohortsmith.evaluation import METRICS, evaluate
from cohortsmith.evaluation.html import write_report
from cohortsmith.evaluation.privacy import audit
from cohortsmith.evaluation.privacy.artefacts import scan
from cohortsmith.generators import load, make_generator
from tests import methylation
from tests.kind_comparisons import comparisons

SETTINGS = {"mvn": {}, "vae": {"steps": 20, "width": 16, "depth": 1}, "diffusion": {"steps": 20, "width": 16}}


def test_no_comparison_with_the_name_of_a_kind_outside_its_places() -> None:
    assert comparisons() == []


def test_comparisons_are_found(tmp_path: Path) -> None:
    """Of `==`, `in`, constants, match, dicts and subscripts; neither names of other things nor one in its place."""
    lines = (
        'a = x == "image"',
        'b = x not in ("sequence", "other")',
        "c = x is not IMAGE and kinds.EXPRESSION != x",
        'd = {"expression": 1, "image": 2}',
        'e = table["sequence"]',
        'match x:\n    case "image":\n        pass',
        'f = {"image": 1, "text": 2}; g = x == "pixel"; h = make("image")',
    )
    for folder in ("data", "evaluation/spaces"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "new.py").write_text("\n".join(lines) + "\n")
    found = [int(line.rpartition(":")[2]) for line in comparisons(tmp_path)]
    assert sorted(set(found)) == [1, 2, 3, 4, 5, 7]
    assert all(line.startswith("data/new.py") for line in comparisons(tmp_path))


def test_the_toy_kind_is_short() -> None:
    assert len(Path(methylation.__file__).read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("family", SETTINGS)
def test_a_new_kind_is_learnt_sampled_scored_audited_and_shown(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    methylation.known(monkeypatch)
    cohort = methylation.simulated(300)
    assert repr(cohort) == "Cohort(methylation, 300 samples x 8 sites; control 150, tumour 150)"
    assert len(duplicates(cohort).exact) == 0
    train, holdout = split(cohort, seed=0)
    model = make_generator(family, **SETTINGS[family]).fit(train, seed=0)
    made = model.sample(120, seed=1)
    assert (made.kind, made.features, made.classes) == (cohort.kind, cohort.features, cohort.classes)
    assert 0 <= made.x.min() <= made.x.max() <= 1
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").sample(120, seed=1).digest() == made.digest()
    assert not [found for found in scan(tmp_path / "model", train) if found.severity == "fail"]

    report = evaluate(train, holdout, made)
    assert [e.name for e in report] == [m.name for m in METRICS if methylation.KIND in m.kinds]
    assert {e.name for e in report if not e.ok} == set()
    assert {e.group for e in report} == {"fidelity", "utility", "privacy"}
    page = write_report(report, tmp_path / "report").read_text(encoding="utf-8")
    assert "Sites" in page
    found = audit(train, holdout, made)
    assert found.reasons == {}
    assert {attack.space for attack in found.found.attacks} == {"sites", ""}  # "": all combined
