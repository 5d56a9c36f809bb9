"""Chinese sentences of the command line and the public functions."""

MESSAGES: dict[str, str] = {}
