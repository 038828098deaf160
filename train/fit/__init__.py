"""Stage `fit`: train, measure the gap on the way, keep the weights."""
