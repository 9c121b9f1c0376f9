"""The samplers compared, all with the same number of neighbours and the same seed."""

from imblearn import FunctionSampler
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler

from emotion_slm.balance.ismote import ISMOTE
from sampler_comparison.names import NONE, OURS


def samplers(k_neighbors: int, seed: int) -> dict:
    """Name → unfitted sampler. `seed` is shared: SMOTE and ISMOTE then start from equal pairs."""
    return {
        NONE: FunctionSampler(),
        "ROS": RandomOverSampler(random_state=seed),
        "SMOTE": SMOTE(k_neighbors=k_neighbors, random_state=seed),
        "Borderline-SMOTE": BorderlineSMOTE(k_neighbors=k_neighbors, random_state=seed),
        "ADASYN": ADASYN(n_neighbors=k_neighbors, random_state=seed),
        OURS: ISMOTE(k_neighbors=k_neighbors, random_state=seed),
    }
