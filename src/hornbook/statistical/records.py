"""config.json of a saved model, read strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hornbook.core.errors import ContentError


def read_record(path: Path, model_type: str, kinds: Mapping[str, type]) -> dict[str, Any]:
    """The record with exactly the keys of `kinds`, each of its kind, and `model_type`; ContentError names what differs."""
    try:
        record: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ContentError("{path} is missing: the model folder is not whole", path=path) from None
    except (ValueError, RecursionError) as error:
        raise ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=error) from error
    found = dict(record) if isinstance(record, dict) else {}
    wrong = [] if found.pop("model_type", None) == model_type else ["model_type"]
    wrong += [name for name, kind in kinds.items() if name not in found or type(found[name]) is not kind]
    wrong += [name for name in sorted(found) if name not in kinds]
    wrong += [name for name, kind in kinds.items() if kind is int and name not in wrong and not 0 <= found[name] < 1 << 62]
    if wrong:
        what = f"{', '.join(wrong)} missing, unknown or of the wrong kind"
        raise ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
    return found
