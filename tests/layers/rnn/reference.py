"""Recurrent layers in NumPy, step by step, as their docstrings have them."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def simple_step(x, states, kernel, recurrent, bias):
    h = np.tanh(x @ kernel + bias + states[0] @ recurrent)
    return h, [h]


def lstm_step(x, states, kernel, recurrent, bias):
    i, f, candidate, o = np.split(x @ kernel + states[0] @ recurrent + bias, 4, axis=-1)
    c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(candidate)
    h = sigmoid(o) * np.tanh(c)
    return h, [h, c]


def gru_step(x, states, kernel, recurrent, bias):
    """With `reset_after`: the bias has a row for the inputs and one for the state."""
    h = states[0]
    z, r, candidate = np.split(x @ kernel + bias[0], 3, axis=-1)
    z_state, r_state, candidate_state = np.split(h @ recurrent + bias[1], 3, axis=-1)
    update = sigmoid(z + z_state)
    candidate = np.tanh(candidate + sigmoid(r + r_state) * candidate_state)
    h = update * h + (1 - update) * candidate
    return h, [h]


STEPS = {"SimpleRNN": (simple_step, 1), "LSTM": (lstm_step, 2), "GRU": (gru_step, 1)}


def run(name, x, weights, states=None, mask=None, go_backwards=False, zero_output_for_mask=False):
    """(outputs in the order of computation (batch, steps, units), last states)."""
    step, state_count = STEPS[name]
    x = np.asarray(x, "float64")
    units = weights[1].shape[0]
    if states is None:
        states = [np.zeros((len(x), units))] * state_count
    output, outputs = states[0], []
    order = range(x.shape[1])
    for t in reversed(order) if go_backwards else order:
        new_output, new_states = step(x[:, t], states, *weights)
        counts = np.ones(len(x), bool) if mask is None else mask[:, t]
        masked = np.zeros_like(output) if zero_output_for_mask else output
        states = [np.where(counts[:, None], new, old) for new, old in zip(new_states, states)]
        output = states[0]  # what a later masked step repeats
        outputs.append(np.where(counts[:, None], new_output, masked))
    return np.stack(outputs, axis=1), states
