"""Networks that are language models: one file = one configuration, one module, one LanguageModel."""
