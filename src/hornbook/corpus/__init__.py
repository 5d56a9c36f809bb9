"""Text to token ids on disk: read, clean, deduplicate, split, report, encode, batch. Imports no torch."""
