"""The race: measure this machine, give every generation its share of a budget, rank what comes out, report it."""
