"""What the classifier is worth: metrics, thresholds, calibration, baselines, leak audit, plots."""
