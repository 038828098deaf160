"""Framewise's training half: TFRecords to a network, and to a report on its overfitting gap."""
