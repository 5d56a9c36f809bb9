"""The folder of a trained model: its files, how it was made, what it cost, and a card for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hornbook.core import artifact
from hornbook.core.codec import plain
from hornbook.core.config import to_dict, to_toml
from hornbook.core.runtime import peak_rss_mb, versions
from hornbook.recipes import Recipe


def save_model(model: Any, folder: Path, *, recipe: Recipe, config: Any, run: Mapping[str, Any]) -> float:
    """Write the model folder: model files, recipe.toml, run.json, README.md; returns its size in MB."""
    facts = {"recipe": recipe.name, "versions": versions(), "peak_rss_mb": round(peak_rss_mb(), 1), **run}
    with artifact.writing(folder) as temporary:
        model.save_files(temporary)
        (temporary / "recipe.toml").write_text(to_toml(config), "utf-8")
        (temporary / "run.json").write_text(json.dumps(plain(facts), indent=1, ensure_ascii=False) + "\n", "utf-8")
        (temporary / "README.md").write_text(_card(recipe, config, facts), "utf-8")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


_CARDS = {  # by what a recipe reads, or hides: what the model is, what to know of it, what to do with it
    "tokens": (
        "A language model",
        "Bits per byte divide by the raw bytes of held-out text; lower is better. The model knows the text it was trained on\n"
        "and nothing else: it states no facts, and repeats what biases that text has.",
        ("hornbook generate THIS_FOLDER 'a beginning'", "hornbook evaluate THIS_FOLDER your-text.txt"),
    ),
    "masked": (
        "A model that guesses hidden tokens",
        "Masked accuracy is the share of hidden tokens of held-out text, 15 % of it, guessed with all others in sight. No\n"
        "bits per byte follow. The model knows the text it was trained on and nothing else, and repeats what biases that\n"
        "text has.",
        ("hornbook fill THIS_FOLDER 'a text with a [MASK] .'", "hornbook evaluate THIS_FOLDER your-text.txt"),
    ),
    "words": (
        "Word vectors",
        "Words that stand in like contexts of the text have like vectors, whatever the reason: opposites are often near, and\n"
        "so is what the text's biases bring together. Rare words move little.",
        ("hornbook neighbours THIS_FOLDER a-word", "hornbook train lstm your-text.txt -o MODEL --init-embeddings THIS_FOLDER"),
    ),
    "segmented": (
        "A word segmenter",
        "It cuts text as the sentences it learned from were cut: what counts as one word is a convention of theirs. F1 is of\n"
        "words of sentences held out, with both ends right.",
        ("hornbook segment THIS_FOLDER < your-text.txt", "hornbook segment THIS_FOLDER --dictionary words.txt < your-text.txt"),
    ),
    "labelled": (
        "A tagger",
        "It gives a label to every token, of the labels it learned from. Accuracy is of tokens of sentences held out; on text\n"
        "of another kind it is lower.",
        ("hornbook predict THIS_FOLDER 'A sentence .'",),
    ),
    "texts": (
        "A classifier of texts",
        "It gives a text one of the labels it learned from, whatever the text is about: a text of another kind gets one too.\n"
        "Probabilities are calibrated on texts held out. texts_seen.safetensors holds a hash of every training text, so that\n"
        "`hornbook evaluate` can tell which test texts the model has seen.",
        ("hornbook predict THIS_FOLDER 'A text.'", "hornbook evaluate THIS_FOLDER your-test.tsv"),
    ),
}


def _card(recipe: Recipe, config: Any, facts: Mapping[str, Any]) -> str:
    """A model card: what the model is, what it was trained on, how good it is, what it is not."""
    kind, remarks, commands = _CARDS["masked" if recipe.batches == "masked" else recipe.reads]
    lines = [f"# {recipe.title}", "", f"{kind} trained by hornbook (recipe `{recipe.name}`).", ""]
    simple = {key: value for key, value in facts.items() if isinstance(value, (int, float, str)) and key != "recipe"}
    lines += ["| | |", "|---|---|", *(f"| {key.replace('_', ' ')} | {value} |" for key, value in simple.items()), ""]
    model = to_dict(config).get("model", {})
    lines += ["Configuration: " + ", ".join(f"{key} {value}" for key, value in model.items()) + ".", ""]
    lines += [remarks, "", "```", *commands, "```", ""]
    return "\n".join(lines)
