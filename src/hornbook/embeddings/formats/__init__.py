"""Files of word vectors: recognised by their content, checked before anything is allocated, written whole or not at all."""
