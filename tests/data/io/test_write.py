from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cohortsmith.data import Cohort, DataError, open_writer, read_cohort, simulate, write_cohort
from cohortsmith.data.io.read import WRITTEN

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("suffix", WRITTEN["expression"])
def test_chunks_make_the_file_that_the_whole_makes(simulated: Cohort, tmp_path: Path, suffix: str) -> None:
    with open_writer(tmp_path / f"a{suffix}", simulated) as writer:
        for start in range(0, 60, 25):
            writer.write(simulated.take(range(start, min(start + 25, 60))))
    back = read_cohort(tmp_path / f"a{suffix}")
    assert back.digest() == simulated.digest()
    pd.testing.assert_frame_equal(back.obs, simulated.obs)


@pytest.mark.parametrize("suffix", WRITTEN["expression"])
def test_error_while_writing_leaves_what_was_there(simulated: Cohort, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_cohort(simulated, path)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), open_writer(path, simulated) as writer:  # noqa: PT012 the block is the point
        writer.write(simulated.take([0]))
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="limits file size by setrlimit")
@pytest.mark.parametrize("suffix", WRITTEN["expression"])
def test_full_disk_is_one_line_and_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    import resource

    path = tmp_path / f"a{suffix}"
    cohort = simulate("simulated-expression", 300, 0, genes=80)
    write_cohort(cohort.take(range(50)), path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, hard))  # a file may not grow further, as on a full disk
    try:
        with pytest.raises(DataError, match=f"cannot write a{suffix}: File too large; the previous file") as caught:
            write_cohort(cohort, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="kills by SIGKILL")
@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
def test_kill_while_writing_leaves_what_was_there(simulated: Cohort, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_cohort(simulated, path)
    before = path.read_bytes()
    script = (
        "import sys; from cohortsmith.data import *\n"
        "c = simulate('simulated-expression', 500, 0)\n"
        "with open_writer(sys.argv[1], c) as w:\n"
        "    while True: w.write(c); print('chunk', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"chunk\n"
        process.send_signal(signal.SIGKILL)
    assert path.read_bytes() == before


def test_missing_folder_is_named(simulated: Cohort, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist; create it first"):
        write_cohort(simulated, tmp_path / "no" / "a.csv")


def write_twice(cohort: Cohort, path: Path) -> None:
    with open_writer(path, cohort) as writer:
        writer.write(cohort)
        writer.write(cohort)


@pytest.mark.parametrize("suffix", WRITTEN["expression"])
def test_chunk_that_does_not_fit_is_refused(simulated: Cohort, tmp_path: Path, suffix: str) -> None:
    other = simulate("simulated-expression", 10, 0, genes=21)
    with pytest.raises(DataError, match="other genes"):
        with open_writer(tmp_path / f"a{suffix}", simulated) as writer:
            writer.write(other)
    with pytest.raises(DataError, match="names of an earlier chunk"):
        write_twice(simulated, tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", WRITTEN["expression"])
def test_column_that_would_stand_twice_is_refused(simulated: Cohort, tmp_path: Path, suffix: str) -> None:
    clash = replace(simulated, obs=simulated.obs.rename(columns={"age": "label"}))
    with pytest.raises(DataError, match="'label' would appear twice"):
        write_cohort(clash, tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def test_gene_named_like_a_covariate_goes_only_where_roles_are_recorded(simulated: Cohort, tmp_path: Path) -> None:
    cohort = replace(simulated, features=("ER", *simulated.features[1:]))
    with pytest.raises(DataError, match="'ER' would be read back"):
        write_cohort(cohort, tmp_path / "a.csv")
    for name in ("a.parquet", "a.h5ad"):
        write_cohort(cohort, tmp_path / name)
        assert read_cohort(tmp_path / name).digest() == cohort.digest()


def test_a_hundred_thousand_profiles_stream_in_bounded_memory(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from dataclasses import replace; import pandas as pd; from cohortsmith.data import *\n"
        "c = simulate('simulated-expression', 5000, 0, genes=50)\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with open_writer(sys.argv[1], c) as w:\n"
        "    for i in range(20):\n"
        "        w.write(replace(c, obs=c.obs.set_axis(pd.Index([f'{i}-{k}' for k in range(5000)]))))\n"
        "        if i == 1: before = peak()\n"
        "print((peak() - before) // 1024)\n"
    )
    path = tmp_path / "a.parquet"
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ
    )
    assert int(done.stdout) < 15  # MB beyond the first chunks; the values alone are 20 MB
    assert time.perf_counter() - started < 30
    assert len(read_cohort(path)) == 100_000
