"""What is measured of predictions: loss and scores."""
