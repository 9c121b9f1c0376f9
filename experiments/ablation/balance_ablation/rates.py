"""Stage rates: a learning rate per vectors and head, chosen on validation → rates.json.

Chosen for the arm that the others are compared with, unbalanced rows with BCE, so that it favours
none of them. No row of test is read.
"""

from balance_ablation.names import LINEAR, MLP
from balance_ablation.params import read_params, training_params
from balance_ablation.places import RATES
from balance_ablation.training import fit
from balance_ablation.vector_sets import read_vector_sets
from emotion_slm.classifier.params import LinearHead
from emotion_slm.common.console import stage
from emotion_slm.common.files import write_json
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.common.threads import pin_threads
from emotion_slm.training.params import BceLoss


def main() -> None:
    with stage("rates") as report:
        params = read_params()
        pin_threads(params.threads)
        chosen, tried = {}, {}
        classifiers = {LINEAR: LinearHead(name="linear"), MLP: params.mlp}
        for name, heads in params.training.learning_rates.items():
            (vectors,) = read_vector_sets(name)
            for head, rates in heads.items():
                scores = {}
                for rate in rates:
                    _, kept = fit(
                        classifiers[head],
                        vectors.train.vectors,
                        vectors.train.gold,
                        vectors.validation,
                        BceLoss(name="bce"),
                        training_params(params.training, rate),
                        params.training.steps,
                        params.seeds[0],
                    )
                    scores[rate] = round(kept.validation_map, DECIMALS)
                chosen.setdefault(name, {})[head] = max(scores, key=scores.get)
                tried.setdefault(name, {})[head] = {f"{rate:g}": scores[rate] for rate in scores}
        write_json(RATES, {"chosen": chosen, "validation_map": tried})
        report(f"{chosen} → {RATES}")


if __name__ == "__main__":
    main()
