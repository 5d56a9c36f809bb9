"""Fixtures shared by every room's tests: one thread a worker, no network, tiny fakes."""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HORNBOOK_LANG"] = "en"
