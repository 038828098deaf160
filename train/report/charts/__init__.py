"""The report's charts, one a file."""
