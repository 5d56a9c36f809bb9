"""Names and layouts of Hugging Face checkpoints, both directions: one file = one layout."""
