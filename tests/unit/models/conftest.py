import json

import numpy as np
import pytest

from hornbook.tokenizers import TokenizerConfig, train_tokenizer

TEXTS = ["the cat sat on the mat and the dog sat on the cat", "a dog and a cat and a mat", "mats are for cats and dogs"]


@pytest.fixture(scope="session")
def tokenizer():
    return train_tokenizer(TEXTS, TokenizerConfig(kind="bpe", size=300))


@pytest.fixture(scope="session")
def documents(tokenizer):
    generator = np.random.default_rng(0)
    return [generator.integers(6, tokenizer.size, size=length) for length in (0, 1, 5, 7, 8, 9, 15, 16, 17, 23, 24, 25, 40, 70)]


@pytest.fixture
def edit_json():
    def edit(path, **changes):
        table = json.loads(path.read_text("utf-8"))
        for key, value in changes.items():
            if value is None:
                table.pop(key)
            else:
                table[key] = value
        path.write_text(json.dumps(table), "utf-8")

    return edit
