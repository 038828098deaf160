"""`curate audit`: leaks between splits, repetition, label noise, frozen video, broken frames."""
