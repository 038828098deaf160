"""Any footage that a command is given: what it is, its hashes, its pictures."""
