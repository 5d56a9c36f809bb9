"""A tokenizer of ids without text: all that the n-gram room asks of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hornbook.core.types import SPECIALS


class IdsOnly:
    def __init__(self, size: int, specials: Mapping[str, int] | None = None) -> None:
        self.size = size
        self.specials = specials if specials is not None else {name: i for i, name in enumerate(SPECIALS)}

    def save_pretrained(self, folder: Path) -> None:
        (folder / "tokenizer.json").write_text(json.dumps({"size": self.size, "specials": dict(self.specials)}))

    @classmethod
    def from_folder(cls, folder: Path) -> IdsOnly:
        return cls(**json.loads((folder / "tokenizer.json").read_text()))
