"""Stage one_position: the published architecture on frozen vectors, unbalanced and balanced.

A vector is the only input position of MiniLM with LoRA (Koráb 2026); loss, rate and batch are those
of the profile that runs it in the pipeline.
"""

from balance_ablation.arms import Arm, write_arms
from balance_ablation.balancing import balance
from balance_ablation.names import BOTH, FROZEN, NONE, ONE_POSITION
from balance_ablation.params import pipeline_document, read_params
from balance_ablation.training import fit, held_out_logits
from balance_ablation.vector_sets import read_vector_sets
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.console import stage
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads


def main() -> None:
    with stage("one_position") as report:
        params = read_params()
        pin_threads(params.threads)
        own = params.one_position
        published = pipeline_document(own.profile).section("finetune", FinetuneParams)
        training = published.training.model_copy(
            update={"epochs": own.validations, "selection": "map"}
        )
        (vectors,) = read_vector_sets(FROZEN)
        arms, logits = [], []
        for seed in own.seeds:
            for balancing in (NONE, BOTH):
                balanced = balance(
                    balancing,
                    *vectors.train[:2],
                    params.balancing,
                    child_seed(seed, "balance/0"),
                )
                model, best = fit(
                    published.classifier,
                    *balanced,
                    vectors.validation,
                    published.loss,
                    training,
                    own.steps,
                    child_seed(seed, "train/0"),
                )
                loss, rows = published.loss.name, len(balanced[1])
                arms.append(
                    Arm(FROZEN, ONE_POSITION, balancing, loss, seed, rows, best.validation_map)
                )
                logits.append(held_out_logits(model, vectors))
        report(f"{len(arms)} arms → {write_arms(ONE_POSITION, arms, logits)}")


if __name__ == "__main__":
    main()
