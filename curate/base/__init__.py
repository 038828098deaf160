"""What every room stands on, and what decides no byte of an output."""
