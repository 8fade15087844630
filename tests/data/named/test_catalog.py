from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from cohortsmith.data import DataError, named_sets, read_cohort, simulate, write_cohort

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.data import Cohort


BUILT_IN = [
    "gse7390",
    "simulated-expression",
    "tp53-founding",
    "tp53-cohort",
    "simulated-haplotypes",
    "simulated-cells",
]


def test_gse7390_is_198_real_patients() -> None:
    pytest.importorskip("sksurv", reason="extra demo")
    cohort = read_cohort("gse7390")
    assert cohort.x.shape == (198, 76)
    assert cohort.class_counts() == {"negative": 64, "positive": 134}  # ER status
    assert cohort.scale == "log"
    assert list(cohort.obs.columns) == ["age", "size", "grade", "metastasis", "metastasis_days"]
    by_outcome = read_cohort("gse7390", label="metastasis")
    assert by_outcome.class_counts() == {"no": 147, "yes": 51}
    assert "er" in by_outcome.obs


def test_gse7390_without_its_extra_says_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sksurv.datasets", None)
    with pytest.raises(DataError, match=r"cohortsmith\[demo\]"):
        read_cohort("gse7390")


def test_simulated_set_can_be_read_by_name() -> None:
    assert read_cohort("simulated-expression").digest() == simulate("simulated-expression", 600, 0).digest()
    with pytest.raises(DataError, match="has the label 'label'"):
        read_cohort("simulated-expression", label="sex")


def test_the_founding_patients_can_be_read_by_name() -> None:
    cohort = read_cohort("tp53-founding")
    assert cohort.class_counts() == {"mutated": 20, "wild-type": 20}
    assert (cohort.features[0], cohort.features[-1], len(cohort.features)) == ("97", "1375", 1279)
    assert cohort.digest() == simulate("tp53-founding", 40, 0).digest()
    with pytest.raises(DataError, match="omit other options"):
        read_cohort("tp53-founding", label_pattern="(.)")


def test_files_of_the_data_folder_go_by_their_names(
    simulated: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COHORTSMITH_DATA", str(tmp_path))
    (tmp_path / "deep" / "er").mkdir(parents=True)
    write_cohort(simulated, tmp_path / "deep" / "mine.csv.gz")
    write_cohort(simulated, tmp_path / "deep" / "er" / "mine.h5ad")
    (tmp_path / "variants.tsv").write_text("variant\tpatients\nc.1A>G\t3\n")  # no cohort
    (tmp_path / "notes.md").write_text("notes")
    (tmp_path / "broken.csv.gz").write_bytes(b"\x1f\x8b")
    found = [s.name for s in named_sets()]
    assert found == [*BUILT_IN, "broken", "mine", "deep/mine.csv.gz"]
    for name in found[-2:]:
        assert read_cohort(name).digest() == simulated.digest()
    with pytest.raises(DataError, match="truncated"):
        read_cohort("broken")


def test_every_set_says_what_it_is_and_on_what_terms() -> None:
    for named in named_sets():
        assert named.kind in ("expression", "sequence", "image")
        assert named.description
        assert named.licence


@pytest.mark.parametrize("folder", [None, "", "/no/such/folder"])
def test_no_data_folder_is_no_error(monkeypatch: pytest.MonkeyPatch, folder: str | None) -> None:
    if folder is None:
        monkeypatch.delenv("COHORTSMITH_DATA", raising=False)
    else:
        monkeypatch.setenv("COHORTSMITH_DATA", folder)
    assert [s.name for s in named_sets()] == BUILT_IN


def test_a_folder_of_the_same_name_does_not_hide_a_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "simulated-expression").mkdir()
    monkeypatch.chdir(tmp_path)
    assert len(read_cohort("simulated-expression")) == 600
