"""Stage `cap`: no action unit keeps more positives than the cap."""
