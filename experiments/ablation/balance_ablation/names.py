"""What the rows of the results files are called."""

FROZEN, ADAPTED = "frozen", "adapted"
# Vectors of encoders adapted on other rows of train, and those of the same encoders' own rows.
CROSSFITTED, SEEN = "cross-fitted", "seen"

LINEAR, MLP, ONE_POSITION, OWN = "linear", "MLP", "one-position", "adapt's own"

NONE = "none"
UNDERSAMPLING = "undersampling"
COPIES = "random oversampling"
SMOTE = "SMOTE"
ISMOTE = "ISMOTE"
BOTH = "ISMOTE + undersampling"
JITTER = "Gaussian jitter"  # the control: copies, displaced as far as ISMOTE displaces
BALANCINGS = (NONE, UNDERSAMPLING, COPIES, SMOTE, ISMOTE, BOTH, JITTER)

LOSSES = {"bce": "BCE", "focal": "focal", "asymmetric": "ASL"}

HALF, TUNED, SHRUNKEN = "0.5", "tuned", "shrunken"
THRESHOLDS = (HALF, TUNED, SHRUNKEN)

# What scores and differences are computed over: logits by folder, results in another.
EXPERIMENTS = {
    "ablation": (FROZEN, ADAPTED),
    ONE_POSITION: (ONE_POSITION,),
    "crossfit": (CROSSFITTED, SEEN),
}
