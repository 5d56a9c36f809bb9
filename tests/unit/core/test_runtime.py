from __future__ import annotations

import subprocess
import sys

from hornbook.core import runtime


def test_threads_of_every_library_are_set_together() -> None:
    code = (
        "from hornbook.core.runtime import prepare; assert prepare(1) == 1\n"
        "import os, torch, numba\n"
        "assert torch.get_num_threads() == 1 and numba.get_num_threads() == 1 and os.environ['RAYON_NUM_THREADS'] == '1'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_rank_takes_its_share_of_the_cores() -> None:
    code = "from hornbook.core.runtime import prepare, available_cores; print(prepare() == max(1, available_cores() // 2))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"LOCAL_WORLD_SIZE": "2", "OMP_NUM_THREADS": "64"}
    )
    assert done.stdout.strip() == "True", done.stderr


def test_memory_figures_are_megabytes() -> None:
    before = runtime.peak_rss_mb()
    block = bytearray(300_000_000)
    block[::4096] = b"x" * len(block[::4096])
    assert runtime.peak_rss_mb() >= max(before, 300)
    assert 5 < runtime.rss_mb() <= runtime.peak_rss_mb() + 1


def test_versions_name_the_packages_that_decide_results() -> None:
    assert {"python", "hornbook", "torch", "numpy", "tokenizers"} <= set(runtime.versions())
