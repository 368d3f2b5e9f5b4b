"""The loop, with steps that are plain functions: no network, no device."""

import itertools

import pytest

from fkeras.training import loop
from fkeras.training.pace import Pace


class Journal:
    """What happened, in order: hooks, steps, looks for interrupts and for a wish to stop."""

    def __init__(self, stop_after=None, interrupt_at=None):
        self.events = []
        self.stop_after, self.interrupt_at = stop_after, interrupt_at
        self.looks = 0

    def step(self, index, batch):
        self.events.append(f"step {index} on {batch}")
        return {"loss": index}

    def many(self, first, count):
        self.events.append(f"steps {first} to {first + count - 1}")
        return {"loss": first + count - 1}

    def before(self, batch):
        self.events.append(f"begin {batch}")

    def after(self, batch, result):
        self.events.append(f"end {batch}")
        return result

    def check_interrupts(self):
        self.looks += 1
        if self.looks == self.interrupt_at:
            raise KeyboardInterrupt

    def should_stop(self):
        return self.events[-1] == self.stop_after

    def drive(self, calls):
        return loop.drive(
            calls,
            before=self.before,
            after=self.after,
            check_interrupts=self.check_interrupts,
            should_stop=self.should_stop,
        )


def test_each_step_stands_between_its_hooks():
    journal = Journal()
    result = journal.drive(loop.single_steps(iter("ab"), journal.step))
    assert journal.events == [
        *("begin 0", "step 0 on a", "end 0"),
        *("begin 1", "step 1 on b", "end 1"),
    ]
    assert result == {"loss": 1} and journal.looks == 2


def test_a_pass_without_batches_calls_no_hook():
    journal = Journal()
    assert journal.drive(loop.single_steps(iter(()), journal.step)) is None
    assert journal.events == []


@pytest.mark.parametrize("group", [1, 2])
def test_a_limit_leaves_the_other_batches_in_the_source(group):
    journal, batches = Journal(), iter("abcde")
    journal.drive(loop.single_steps(batches, journal.step, group=group, limit=3))
    assert [e for e in journal.events if e.startswith("step")] == [
        "step 0 on a",
        "step 1 on b",
        "step 2 on c",
    ]
    assert next(batches) == "d"


def test_a_group_has_one_pair_of_hooks_and_a_last_one_keeps_its_number():
    journal = Journal()
    journal.drive(loop.single_steps(iter("abc"), journal.step, group=2, first=4))
    assert journal.events == [
        *("begin 4", "step 4 on a", "step 5 on b", "end 5"),
        *("begin 6", "step 6 on c", "end 7"),
    ]


def test_an_interrupt_is_heard_inside_of_a_group():
    journal = Journal(interrupt_at=2)
    calls = loop.single_steps(
        iter("abcd"), journal.step, group=4, check_interrupts=journal.check_interrupts
    )
    with pytest.raises(KeyboardInterrupt):
        journal.drive(calls)
    assert journal.events == ["begin 0", "step 0 on a", "step 1 on b"]


def test_an_interrupt_is_heard_when_the_hooks_have_run():
    journal = Journal(interrupt_at=1)
    with pytest.raises(KeyboardInterrupt):
        journal.drive(loop.single_steps(iter("ab"), journal.step))
    assert journal.events == ["begin 0", "step 0 on a", "end 0"]


def test_a_wish_to_stop_is_heard_behind_the_call_and_takes_no_further_batch():
    journal, batches = Journal(stop_after="end 1"), iter("abcd")
    assert journal.drive(loop.single_steps(batches, journal.step)) == {"loss": 1}
    assert next(batches) == "c"


def test_a_batch_is_fetched_before_the_hook_of_its_call():
    journal = Journal()

    def batches():
        for name in "ab":
            journal.events.append(f"fetch {name}")
            yield name
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        journal.drive(loop.single_steps(batches(), journal.step))
    assert journal.events == [
        *("fetch a", "begin 0", "step 0 on a", "end 0"),
        *("fetch b", "begin 1", "step 1 on b", "end 1"),
    ]


def test_what_the_hook_returns_is_the_result():
    result = loop.drive(
        loop.single_steps(iter("ab"), lambda index, batch: index),
        before=lambda batch: None,
        after=lambda batch, result: f"shown {result}",
    )
    assert result == "shown 1"


def test_fused_calls_take_what_the_pace_says_and_no_more_than_there_is():
    journal = Journal()
    journal.drive(loop.fused_steps(journal.many, 5, Pace(2)))
    assert journal.events == [
        *("begin 0", "steps 0 to 1", "end 1"),
        *("begin 2", "steps 2 to 3", "end 3"),
        *("begin 4", "steps 4 to 4", "end 4"),
    ]


def test_a_pace_that_learns_changes_the_next_call():
    pace, taken = Pace(1), []

    def many(first, count):
        taken.append(count)
        pace.steps *= 2
        return

    Journal().drive(loop.fused_steps(many, 12, pace))
    assert taken == [1, 2, 4, 5]


def test_hooks_are_told_of_the_users_number_of_steps():
    journal = Journal()
    journal.drive(loop.fused_steps(journal.many, 5, Pace(3), 3))
    assert [e for e in journal.events if e.startswith("end")] == ["end 2", "end 5"]


@pytest.mark.parametrize(
    ("rows", "steps_per_execution", "expected"),
    [(48, None, 6), (50, None, 6), (48, 4, 6), (50, 4, 4), (50, 3, 6), (5, None, 0), (5, 2, 0)],
)
def test_the_last_call_takes_a_smaller_batch_along(rows, steps_per_execution, expected):
    assert loop.full_batches_in_fused_calls(rows, 8, steps_per_execution) == expected


@pytest.mark.parametrize("count", [0, 1, 7])
def test_fused_and_single_steps_number_their_batches_alike(count):
    """All batches once, whatever the groups are."""
    for group in (1, 2, 3):
        seen = []
        calls = loop.single_steps(
            iter(range(count)),
            lambda index, batch, seen=seen: seen.append((index, batch)),
            group=group,
        )
        for call in calls:
            call.run()
        assert seen == list(zip(range(count), range(count)))
    spans = [
        range(call.first, call.last + 1)
        for call in loop.fused_steps(lambda first, count: None, count, Pace(3))
    ]
    assert list(itertools.chain(*spans)) == list(range(count))


class Source:
    in_memory, steps = True, 4


@pytest.mark.parametrize(
    ("steps", "in_memory", "expected"),
    [(None, True, True), (4, True, True), (3, True, False), (None, False, False)],
)
def test_only_a_whole_pass_over_arrays_goes_in_order(steps, in_memory, expected):
    source = Source()
    source.in_memory = in_memory
    assert loop.PassOptions(steps=steps).takes_all_of(source) is expected
