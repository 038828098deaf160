"""The gap taken apart: probes, losses at one rate, intervals, verdict."""
