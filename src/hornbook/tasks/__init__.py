"""One file = one task: from data to a saved model."""
