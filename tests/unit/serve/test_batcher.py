import asyncio
from collections.abc import Awaitable, Callable

import pytest
from support.labels import LABELS
from support.service import GatedModel

from emotion_slm.serve.batcher import BATCH_TOKENS, PART_OF_QUEUE, Batcher
from emotion_slm.serve.limits import Limits, RefusedError
from emotion_slm.serve.metrics import Metrics


def run(model: GatedModel, body: Callable[[Batcher], Awaitable], limits: Limits | None = None):
    """`body` with a batcher at work."""

    async def with_batcher():
        batcher = Batcher(model, limits or Limits(), Metrics(LABELS))
        async with batcher.running():
            return await body(batcher)

    return asyncio.run(with_batcher())


async def busy(batcher: Batcher, model: GatedModel):
    """A job whose batch is under way, the gate shut."""
    job = batcher.enter(["first"])
    await asyncio.to_thread(model.began.wait, 60)
    return job


async def queued(batcher: Batcher, texts: list[str]):
    """A job of which the tokens are known."""
    job = batcher.enter(texts)
    while not job.sizes:
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
    return job


def lengths(job) -> list[int]:
    return [round(1000 * row[0]) for row in job.answers]


def test_a_lone_text_is_scored_at_once():
    model = GatedModel()

    async def body(batcher):
        job = batcher.enter(["abc"])
        await job.done
        assert lengths(job) == [3]
        assert (batcher.waiting, batcher.unanswered) == (0, 0) or await batcher.empty.wait()

    run(model, body)
    assert model.scored == [["abc"]]


def test_what_came_during_a_batch_is_the_next_one_and_each_gets_its_own_answers():
    model = GatedModel(open_gate=False)

    async def body(batcher):
        first = await busy(batcher, model)
        others = [await queued(batcher, ["x" * n, "y" * (n + 100)]) for n in range(1, 6)]
        model.gate.set()
        await asyncio.gather(first.done, *(job.done for job in others))
        for n, job in enumerate(others, start=1):
            assert lengths(job) == [n, n + 100]

    run(model, body)
    assert [len(batch) for batch in model.scored] == [1, 10]


def test_a_batch_is_bounded_by_tokens_and_a_request_may_span_several():
    model = GatedModel(open_gate=False)
    half = "x" * (BATCH_TOKENS // 2)

    async def body(batcher):
        await busy(batcher, model)
        job = await queued(batcher, [half] * 5)
        model.gate.set()
        await job.done
        assert lengths(job) == [len(half)] * 5

    run(model, body)
    assert [len(batch) for batch in model.scored] == [1, 2, 2, 1]


def test_where_much_waits_a_batch_is_a_part_of_it():
    model = GatedModel(open_gate=False)
    half = "x" * (BATCH_TOKENS // 2)

    async def body(batcher):
        await busy(batcher, model)
        jobs = [await queued(batcher, [half] * 2 * PART_OF_QUEUE) for _ in range(3)]
        model.gate.set()
        await asyncio.gather(*(job.done for job in jobs))

    run(model, body)
    sizes = [len(batch) for batch in model.scored]
    assert sizes[1] == max(sizes) == 6 and sum(sizes) == 1 + 6 * PART_OF_QUEUE


def test_a_text_of_more_tokens_than_a_batch_is_a_batch_of_its_own():
    model = GatedModel()

    async def body(batcher):
        job = batcher.enter(["x" * (BATCH_TOKENS + 1)] * 2)
        await job.done

    run(model, body)
    assert [len(batch) for batch in model.scored] == [1, 1]


def test_a_full_queue_refuses_and_says_when_to_come_again():
    model = GatedModel(open_gate=False)

    async def body(batcher):
        await busy(batcher, model)
        job = batcher.enter(["x"] * 3)
        with pytest.raises(RefusedError) as error:
            batcher.enter(["y"] * 2)
        assert error.value.status == 429 and int(error.value.headers["Retry-After"]) >= 1
        batcher.enter(["z"])  # there is room for one
        model.gate.set()
        await job.done

    run(model, body, Limits(max_queue=4, max_texts=4))
    assert not any("y" in batch for batch in model.scored)


def test_what_could_not_be_answered_in_time_is_refused():
    model = GatedModel(open_gate=False)

    async def body(batcher):
        await busy(batcher, model)
        batcher.seconds_per_text = 20.0
        batcher.enter(["a", "b"])
        with pytest.raises(RefusedError) as error:
            batcher.enter(["c"])
        assert error.value.headers["Retry-After"] == "40"
        model.gate.set()

    run(model, body, Limits(timeout=30))


def test_a_job_that_is_left_is_not_computed_and_frees_its_place():
    model = GatedModel(open_gate=False)

    async def body(batcher):
        await busy(batcher, model)
        left = await queued(batcher, ["left"] * 3)
        stays = await queued(batcher, ["stays"])
        batcher.leave(left)
        await asyncio.sleep(0)
        assert batcher.waiting == 1
        batcher.enter(["more"] * 3)
        model.gate.set()
        await stays.done
        await batcher.empty.wait()
        assert batcher.waiting == 0

    run(model, body, Limits(max_queue=4, max_texts=4))
    assert [text for batch in model.scored for text in batch] == ["first", "stays", *["more"] * 3]


def test_a_job_that_is_left_before_its_tokens_are_counted_is_not_computed():
    model = GatedModel()

    async def body(batcher):
        left = batcher.enter(["left"])
        batcher.leave(left)
        stays = batcher.enter(["stays"])
        await stays.done
        await batcher.empty.wait()
        assert batcher.waiting == 0

    run(model, body)
    assert model.scored == [["stays"]]


def test_a_poisoned_text_fails_alone():
    model = GatedModel(open_gate=False)

    async def body(batcher):
        await busy(batcher, model)
        bad = await queued(batcher, ["good", "poison", "unreadable", "fine"])
        good = await queued(batcher, ["other"])
        model.gate.set()
        await asyncio.gather(bad.done, good.done)
        kinds = [type(answer).__name__ for answer in bad.answers]
        assert kinds == ["ndarray", "RuntimeError", "ValueError", "ndarray"]
        assert lengths(good) == [5]

    run(model, body)


def test_a_job_of_nothing_but_unreadable_texts_is_answered():
    async def body(batcher):
        job = batcher.enter(["unreadable", "unreadable too"])
        await job.done
        assert all(isinstance(answer, ValueError) for answer in job.answers)
        await batcher.empty.wait()

    run(GatedModel(), body)


def test_a_batcher_that_runs_is_alive_and_one_that_fell_is_not():
    model = GatedModel()
    model.probabilities = lambda texts: []  # an answer too few

    async def body(batcher):
        assert batcher.alive
        batcher.enter(["x"])
        while batcher.alive:
            await asyncio.sleep(0.001)

    with pytest.raises(ValueError, match="shorter"):
        run(model, body)
