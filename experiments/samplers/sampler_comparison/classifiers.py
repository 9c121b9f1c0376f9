"""Three kinds of classifier: linear, local, and an ensemble of trees."""

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier


def classifiers(seed: int) -> dict:
    """Name → unfitted classifier, with scikit-learn's defaults but for what is set here."""
    return {
        "logistic regression": LogisticRegression(max_iter=1000),
        "k-NN": KNeighborsClassifier(),
        # Half the default number of trees, which is half the time of the whole experiment.
        "random forest": RandomForestClassifier(n_estimators=50, random_state=seed),
    }
