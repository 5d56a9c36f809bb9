"""What `hornbook train` prints of a model it has trained."""

from __future__ import annotations

from typing import Any

from hornbook.cli.options import print_json


def print_network(result: dict[str, Any]) -> None:
    """The score, the size and the price of a network, what it is mixed from or began with, and where it lies."""
    print(f"{result['kind']}: {masked(result) if 'masked_accuracy' in result else likelihood(result)} on held-out text")
    for name, score in result.get("sources", {}).items():
        if len(score) > 1:
            print(f"  {name}: {masked(score) if 'masked_accuracy' in score else likelihood(score)}")
    if "init_gain" in result:
        print(_gain(result))
    print(f"{result['parameters']:,} parameters, {result['size_mb']:.1f} MB", end="; ")
    print(f"{result['tokens_seen']:,} tokens in {result['seconds']:.0f} s")
    use = "fill {} 'a text with a [MASK] .'" if "masked_accuracy" in result else "generate {} 'a beginning'"
    print(f"saved in {result['model']}: hornbook {use.format(result['model'])}")


def print_ablation(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """A line a variant: what it reached, and its gain over the first with the interval."""
    if as_json:
        print_json({"variants": rows})
        return
    print(f"{'variant':26} {'hidden':>7} {'nats':>7} {'gain in nats':>25} {'cloze':>7} {'gain in cloze':>25} {'tokens':>12}")
    for row in rows:
        nats, cloze = (_with_interval(row[f"{name}_gain"], row[f"{name}_gain_ci95"]) for name in ("nats", "cloze"))
        line = f"{row['name']:26} {row['masked_accuracy']:7.1%} {row['masked_nats_per_token']:7.3f} {nats:>25} "
        print(line + f"{row['cloze_accuracy']:7.1%} {cloze:>25} {row['tokens_seen']:12,}")


def _with_interval(gain: float | None, interval: list[float] | None) -> str:
    return "-" if gain is None or interval is None else f"{gain:+.3f} [{interval[0]:+.3f}, {interval[1]:+.3f}]"


def masked(result: dict[str, Any]) -> str:
    """Guesses of hidden tokens, in words."""
    low, high = result["masked_accuracy_ci95"]
    text = f"{result['masked_accuracy']:.1%} of hidden tokens guessed [{low:.1%}, {high:.1%}], "
    text += f"{result['masked_nats_per_token']:.4f} nats a hidden token"
    if "next_sentence_accuracy" in result:
        text += f"; sentence pairs {result['next_sentence_accuracy']:.1%} right"
    return text


def likelihood(result: dict[str, Any]) -> str:
    """Bits per byte, where there are any, nats a token and perplexity, in words."""
    quality = f"{result['nats_per_token']:.4f} nats a token, perplexity {result['perplexity']:.2f}"
    if result["bits_per_byte"] is not None:
        low, high = result["bits_per_byte_ci95"]
        quality = f"{result['bits_per_byte']:.4f} bits per byte [{low:.4f}, {high:.4f}], {quality}"
    return quality


_UNITS = {  # the first of them that a result has is what models are compared by
    "bits_per_byte": "bits per byte",
    "nats_per_token": "nats a token",
    "masked_nats_per_token": "nats a hidden token",
}


def unit(result: dict[str, Any]) -> str:
    """What models are compared by, of what a result has."""
    return next(unit for name, unit in _UNITS.items() if result.get(name) is not None)


def _gain(result: dict[str, Any]) -> str:
    """What the word vectors were worth, in one line: a gain, a loss, or nothing that the held-out text can tell."""
    name, unit = next((name, unit) for name, unit in _UNITS.items() if result.get(name) is not None)
    gain, (low, high) = result["init_gain"], result["init_gain_ci95"]
    if low > 0:
        verdict = f"the word vectors gained {gain:.4f} [{low:.4f}, {high:.4f}]"
    elif high < 0:
        verdict = f"the word vectors lost {-gain:.4f} [{-high:.4f}, {-low:.4f}]: train without --init-embeddings"
    else:
        verdict = f"no difference that this held-out text can show: {gain:+.4f} [{low:+.4f}, {high:+.4f}]"
    return f"from a random table, as many steps: {result['random_init_' + name]:.4f} {unit}; {verdict}"


def print_vectors(result: dict[str, Any]) -> None:
    """Size and price of word vectors, a few words with their neighbours, and where they lie."""
    print(f"{result['kind']}: {result['vocabulary']:,} words in {result['dimensions']} dimensions", end=", ")
    print(f"{result['size_mb']:.1f} MB; {result['tokens_seen']:,} words read in {result['seconds']:.1f} s", end=", ")
    print(f"{result['tokens_per_second']:,.0f} a second")
    for word, near in result["neighbours"].items():
        print(f"  {word}: " + ", ".join(f"{other} {similarity:.2f}" for other, similarity in near))
    first = next(iter(result["neighbours"]), "WORD")
    print(f"saved in {result['model']}: hornbook neighbours {result['model']} {first}")
