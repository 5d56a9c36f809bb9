"""Chinese sentences of the race and of what it shares with training."""

MESSAGES: dict[str, str] = {}
