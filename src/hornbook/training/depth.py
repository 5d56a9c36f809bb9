"""How deep in a network a parameter lies, for rates that fall with depth and for thawing from the top."""

from __future__ import annotations

from torch import nn


def levels(module: nn.Module) -> dict[str, int]:
    """Level of every parameter by name: 0 for tables, 1 to n for the layers of the stack, n + 1 for all that is above it.

    The stack is the longest ModuleList of the module, or of its part `body` where it is a head on a network; of two of one
    length, as where one reads forwards and one backwards, layers count side by side. What a network registers before its
    stack lies below it. A part without a stack is a table.
    """
    body = getattr(module, "body", None)
    prefix, inner = ("body.", body) if isinstance(body, nn.Module) else ("", module)
    lists = {prefix + name + ".": len(part) for name, part in inner.named_modules() if isinstance(part, nn.ModuleList)}
    layers = max(lists.values(), default=0)
    stacks = [name for name, size in lists.items() if size == layers and layers]
    found: dict[str, int] = {}
    above = False
    for name, _ in module.named_parameters():
        stack = next((stack for stack in stacks if name.startswith(stack)), None)
        if stack is not None:
            found[name] = 1 + int(name[len(stack) :].split(".", 1)[0])
            above = True
        else:
            found[name] = 0 if name.startswith(prefix) and not above else layers + 1
    return found
