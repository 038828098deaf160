"""Experiments: read, listed, named by what differs."""
