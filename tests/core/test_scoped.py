import contextvars
import pathlib
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import pytest

import fkeras
from fkeras.core import names, scoped, warn_once
from fkeras.core.config import scopes
from fkeras.core.randomness import key_scopes
from fkeras.core.scoped import Scoped, snapshot
from fkeras.core.values import lending, trace_tokens
from fkeras.layers.base import context as contexts


def on_another_thread(function, *args):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result()


def test_a_value_counts_inside_and_is_as_before_afterwards():
    depth = Scoped(0)
    with depth.inside(1) as outer:
        with depth.inside(2) as inner:
            assert (outer, inner, depth.value) == (1, 2, 2)
        assert depth.value == 1
    assert depth.value == 0


def test_an_exception_takes_the_value_back_and_passes():
    depth = Scoped(0)
    with pytest.raises(KeyError), depth.inside(1):
        raise KeyError
    assert depth.value == 0


def test_a_stack_grows_and_shrinks_at_its_end():
    stack = Scoped(())
    with stack.pushed("a"), stack.pushed("b") as item:
        assert item == "b" and stack.value == ("a", "b")
    assert stack.value == ()


def test_the_outer_value_is_the_one_at_the_time_of_entering():
    stack = Scoped(())
    made_early = stack.pushed("b")
    with stack.pushed("a"), made_early:
        assert stack.value == ("a", "b")
    assert stack.value == ()


def test_each_thread_starts_with_the_default():
    depth = Scoped(0)
    with depth.inside(5):
        assert on_another_thread(lambda: depth.value) == 0
    assert depth.value == 0


def test_two_scoped_values_do_not_share():
    first, second = Scoped(1), Scoped(2)
    with first.inside(10):
        assert (first.value, second.value) == (10, 2)


def test_a_snapshot_carries_values_as_they_were_when_it_was_taken():
    depth = Scoped(0)
    with depth.inside(1):
        taken = snapshot()
    with depth.inside(2):
        assert on_another_thread(taken.run, lambda: depth.value) == 1
    assert depth.value == 0


def test_a_snapshot_restores_many_times_and_leaves_the_thread_as_it_was():
    depth = Scoped(0)
    with depth.inside(1):
        taken = snapshot()

    def look():
        before = depth.value
        with taken.restored():
            inside = depth.value
        with pytest.raises(RuntimeError), taken.restored():
            raise RuntimeError
        return before, inside, depth.value

    assert on_another_thread(look) == look() == (0, 1, 0)


def test_what_two_threads_cannot_share_is_copied():
    state = Scoped(None, carry=lambda value: list(value or ()))
    with state.inside([1]) as own:
        seen = on_another_thread(snapshot().run, lambda: state.value)
    assert seen == own and seen is not own


def test_a_name_scope_a_key_and_custom_objects_travel_together():
    def look():
        return (
            names.current_path(),
            key_scopes.current_scope() is not None,
            [list(table) for table in scopes.custom_object_tables()],
        )

    with (
        names.scope("outer"),
        key_scopes.scope(jax.random.key(0)),
        fkeras.saving.custom_object_scope({"f": len}),
    ):
        assert on_another_thread(look) == ("", False, [])
        assert on_another_thread(snapshot().run, look) == ("outer", True, [["f"]])


def test_lent_values_and_their_token_travel_to_a_pool():
    v = fkeras.Variable(jnp.ones(2))

    def run():
        taken = snapshot()
        own = (v.value.tolist(), trace_tokens._cache_key.value)
        return own, on_another_thread(
            taken.run, lambda: (v.value.tolist(), trace_tokens._cache_key.value)
        )

    with trace_tokens.entered(trace_tokens.fresh_token()):
        (here, there), _ = lending.call(run, [v], [jnp.full((2,), 3.0)])
    assert here == there and here[0] == [3, 3] and here[1] is not None


def test_another_thread_has_a_call_context_of_its_own():
    context = contexts.CallContext(None, losses=[])
    context.training = True

    def set_training():
        contexts.current().training = False
        contexts.current().losses.append("loss")

    with contexts.opened(context):
        on_another_thread(snapshot().run, set_training)
    assert context.training is True, "`training` of one thread must not change another's"
    assert context.losses == ["loss"], "losses are collected in one place"


def test_warnings_given_once_are_given_once_on_all_threads():
    with warn_once.scope(), pytest.warns(UserWarning, match="twice") as record:
        warn_once.warn("twice", 1)
        on_another_thread(snapshot().run, warn_once.warn, "twice", 1)
    assert len(record) == 1


def test_a_context_that_is_no_scoped_value_can_be_carried_too(monkeypatch):
    monkeypatch.setattr(scoped, "_carriers", [*scoped._carriers])
    variable = contextvars.ContextVar("variable", default="outside")

    class Set:
        def __init__(self, value):
            self.value = value

        def __enter__(self):
            self.token = variable.set(self.value)

        def __exit__(self, *exc):
            variable.reset(self.token)

    def take():
        value = variable.get()
        return lambda: Set(value)

    scoped.also_carry(take)
    with Set("inside"):
        taken = snapshot()
    assert on_another_thread(taken.run, variable.get) == "inside"


def test_the_library_keeps_hidden_values_of_a_thread_in_one_kind_of_object():
    root = pathlib.Path(fkeras.__file__).parent
    others = [
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "threading.local" in path.read_text() or "ContextVar(" in path.read_text()
    ]
    # Values that were lent last, which no other thread has a use for, are not inside a `with`.
    assert sorted(others) == ["core/scoped.py", "core/values/trace_tokens.py"]
