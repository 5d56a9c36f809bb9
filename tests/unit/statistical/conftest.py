from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def skewed_documents() -> list[np.ndarray]:
    """200 documents of 0 to 29 ids from 6 to 25, a few of them frequent."""
    random = np.random.default_rng(7)
    return [6 + random.zipf(1.5, size=random.integers(0, 30)) % 20 for _ in range(200)]
