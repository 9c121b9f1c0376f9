"""What the rows of the results files are called."""

OURS = "ISMOTE"
NONE = "none"
# Not a sampler: the probabilities of NONE, cut at the share of positives instead of at ½.
MOVED = "none, moved threshold"
ALL = "all"  # in the place of a classifier: the mean over them, taken fold by fold
