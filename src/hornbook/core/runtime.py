"""This process and this machine: threads of every library together, seeds, memory behaviour, peak memory, versions.

`prepare` must run before torch or numba are imported: the command line calls it first. Each setting can be switched off
by an environment variable named beside it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("hornbook", "torch", "numpy", "numba", "tokenizers", "safetensors")


@dataclass(frozen=True)
class Runtime:
    """Where and how a job runs. `device` 'auto' takes a GPU where there is one; `threads` 0 takes every core of this rank."""

    device: str = "auto"
    threads: int = 0
    seed: int = 1


def available_cores() -> int:
    """Cores this process may use, respecting affinity masks (taskset, containers)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def local_ranks() -> int:
    """Processes of this job on this machine (torchrun sets LOCAL_WORLD_SIZE), 1 outside a launcher."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def prepare(threads: int = 0) -> int:
    """Set threads of torch, numba, BLAS and the tokenizers together and make memory reuse cheap; returns the thread count.

    Threads that wait spin only shortly (GOMP_SPINCOUNT): with the default of libgomp, training beside one other busy process
    was up to a hundred times slower, on a quiet machine short spinning costs 3 to 7 % (docs/log.md).
    torch reads OMP_NUM_THREADS at import, numba NUMBA_NUM_THREADS, tokenizers RAYON_NUM_THREADS: unset, two cores would run
    four threads and more. Freed memory is kept for reuse (fresh pages cost ten times as much as reused ones: measured in
    docs/log.md); HORNBOOK_KEEP_MEMORY=0 switches that off.
    """
    count = threads or max(1, available_cores() // local_ranks())
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"):
        if threads or name not in os.environ or local_ranks() > 1:
            os.environ[name] = str(count)
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no code path touches the network (R18)
    if not os.access(Path(__file__).parent, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder() / "numba"))
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)
    if os.environ.get("HORNBOOK_KEEP_MEMORY", "1") != "0":
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
        _keep_freed_memory()
    return count


def cache_folder() -> Path:
    """HORNBOOK_HOME, or the user's cache folder."""
    home = os.environ.get("HORNBOOK_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hornbook"
    return Path(home)


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far, in MB (10^6 bytes).

    Linux counts the peak of the parent into getrusage of a child it starts, so /proc is asked first.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def rss_mb() -> float:
    """Resident memory of this process now, in MB (10^6 bytes); the peak where /proc is absent."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return peak_rss_mb()
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def total_memory_mb() -> float:
    """Memory of this machine in MB (10^6 bytes); infinite where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    except (ValueError, OSError, AttributeError):
        return float("inf")


def release_free_memory() -> None:
    """Give freed pages inside the heap back to the system (glibc), so that passing over large texts leaves no holes behind."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)


def cpu_name() -> str:
    """The processor as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def cpu_flags() -> frozenset[str]:
    """Instruction-set flags of the processor (empty where the system does not say)."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return next((frozenset(line.split(":", 1)[1].split()) for line in lines if line.startswith("flags")), frozenset())


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide results."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _keep_freed_memory() -> None:
    """glibc: serve large blocks from the heap and never give the heap back (M_MMAP_MAX = 0, M_TRIM_THRESHOLD = -1)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None
    if mallopt is not None:
        trim_threshold, mmap_max = -1, -4
        mallopt(mmap_max, 0)
        mallopt(trim_threshold, -1)
