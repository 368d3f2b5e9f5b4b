"""Random keys, and the first values of weights that are drawn from them."""
