"""Flags that count on one thread in place of those on the objects."""

import threading

import fkeras
from fkeras.core.values import trainable_scope


class Holder:
    trainable = True
    is_held_fixed = False


def test_a_scope_covers_what_it_names_and_nothing_else():
    covered, other = Holder(), Holder()
    with trainable_scope.overridden({id(covered): False}):
        assert not trainable_scope.is_trainable(covered)
        assert trainable_scope.is_trainable(other)
    assert trainable_scope.is_trainable(covered) and covered.trainable


def test_an_inner_scope_adds_to_the_outer_one_and_ends_with_an_error_too():
    first, second = Holder(), Holder()
    with trainable_scope.overridden({id(first): False, id(second): False}):
        try:
            with trainable_scope.overridden({id(second): True}):
                assert not trainable_scope.is_trainable(first)
                assert trainable_scope.is_trainable(second)
                raise ValueError
        except ValueError:
            pass
        assert not trainable_scope.is_trainable(second)


def test_what_is_written_in_a_scope_is_read_there_and_stays():
    covered, other = Holder(), Holder()
    with trainable_scope.overridden({id(covered): True}):
        trainable_scope.set_trainable(covered, False)
        trainable_scope.set_trainable(other, False)
        assert not trainable_scope.is_trainable(covered)
        assert not trainable_scope.is_trainable(other)
    assert not covered.trainable and not other.trainable


def test_another_thread_sees_the_objects_own_flag():
    holder, seen = Holder(), []
    with trainable_scope.overridden({id(holder): False}):
        thread = threading.Thread(target=lambda: seen.append(trainable_scope.is_trainable(holder)))
        thread.start()
        thread.join()
    assert seen == [True]


def test_layers_and_variables_read_the_scope():
    layer = fkeras.layers.Dense(2)
    layer.build((None, 3))
    flags = {id(layer._info): False, id(layer.kernel._meta): False}
    with trainable_scope.overridden(flags):
        assert not layer.trainable and not layer.kernel.trainable and layer.bias.trainable
        assert layer.trainable_variables == []
    assert layer.trainable_variables == [layer.kernel, layer.bias]
