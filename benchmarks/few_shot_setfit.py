"""SetFit in a process of its own: rows from standard input as JSON, predictions to standard output.

In: `model`, the folder of a sentence encoder; `texts` and `labels` to learn from; `unseen` texts;
`seed`, `threads`. Out, on the last line: `predicted` labels and `seconds` of training. Settings are
SetFit's own, but 20 pairs a row in place of all, which its paper trains with.
"""

import json
import sys
import time

PAIRS = 20  # of each kind, a row


def main() -> None:
    asked = json.load(sys.stdin)
    import torch
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    torch.set_num_threads(asked["threads"])
    rows = Dataset.from_dict({"text": asked["texts"], "label": asked["labels"]})
    model = SetFitModel.from_pretrained(
        asked["model"], labels=sorted(set(asked["labels"])), local_files_only=True
    )
    arguments = TrainingArguments(
        num_iterations=PAIRS,
        seed=asked["seed"],
        report_to="none",
        save_strategy="no",
        show_progress_bar=False,
    )
    started = time.monotonic()
    Trainer(model=model, args=arguments, train_dataset=rows).train()
    seconds = time.monotonic() - started
    predicted = [str(label) for label in model.predict(asked["unseen"], batch_size=64)]
    print(json.dumps({"predicted": predicted, "seconds": seconds}))


if __name__ == "__main__":
    main()
