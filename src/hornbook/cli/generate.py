"""hornbook generate MODEL [PROMPT...]: continue a text."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json, sources_of


def generate(
    model: Annotated[str, Parameter(help="A model folder.")],
    prompts: Annotated[tuple[str, ...], Parameter(help="Beginnings to continue; - reads lines from standard input.")] = (),
    *,
    max_tokens: Annotated[int, Parameter(help="Length of the continuation in tokens.")] = 200,
    samples: Annotated[int, Parameter(help="Continuations of each prompt.")] = 1,
    temperature: Annotated[float, Parameter(help="0 is greedy, 1 samples from the model as it is.")] = 0.8,
    top_k: Annotated[int, Parameter(help="Only the k likeliest tokens; 0 is all.")] = 0,
    top_p: Annotated[float, Parameter(help="Only the likeliest tokens that hold this much probability.")] = 0.95,
    repetition_penalty: Annotated[float, Parameter(help="Above 1: tokens already in the text are less likely.")] = 1.0,
    beams: Annotated[int, Parameter(help="Beam search of this width instead of sampling.")] = 0,
    stop: Annotated[tuple[str, ...], Parameter(help="Stop before this text.")] = (),
    seed: Annotated[int, Parameter(help="Seed of the sampling.")] = 1,
    common: Common = Common(),
) -> None:
    """Continue a text with any model; one prompt streams as it is written."""
    from hornbook import api
    from hornbook.decoding import GenerationConfig, stream

    given = [line.rstrip("\n") for line in sys.stdin] if sources_of(prompts) == ["-"] else list(prompts) or [""]
    settings = {
        "max_tokens": max_tokens,
        "samples": samples,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "repetition_penalty": repetition_penalty,
        "stop": stop,
        "seed": seed,
    }
    if len(given) == 1 and samples == 1 and not beams and not common.json:
        opened = api.open_language_model(model)
        sys.stdout.write(given[0])
        for piece in stream(opened, given[0], GenerationConfig(**settings)):  # type: ignore[arg-type]
            sys.stdout.write(piece)
            sys.stdout.flush()
        sys.stdout.write("\n")
        return
    texts = api.generate(model, given, width=beams, **settings)
    each = max(1, len(texts) // len(given))
    for number, text in enumerate(texts):
        prompt = given[number // each]
        if common.json:
            print_json({"prompt": prompt, "text": text})
        else:
            print(prompt + text)
