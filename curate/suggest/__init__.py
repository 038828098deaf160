"""`curate suggest`: the stride and the distance that the footage itself speaks for."""
