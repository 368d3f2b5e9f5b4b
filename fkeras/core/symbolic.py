"""Symbolic tensors and the record of what was called on them.

A `KerasTensor` is a shape and a dtype. A call of an `Operation` (a layer, or a function of
`fkeras.ops`) on one computes nothing: the output's shape and dtype come from abstract evaluation of
the very function that computes, and a `Node` keeps who was called on what. `fkeras.core.graph`
replays such records on arrays.
"""

import functools
import itertools
import sys

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import call_errors, names
from fkeras.core.settings import floatx
from fkeras.errors import UserInputError, UserTypeError

# Unknown dimensions (None) are tried as two sizes; an output dimension that differs between them is
# unknown too. Both have many divisors, so that a reshape to (-1, 4) works; abstract evaluation
# costs the same at any size.
_FILLS = (840, 1680)


class KerasTensor:
    """A symbolic tensor: static shape (None for an unknown dimension) and dtype, no values.

    Args:
        shape: tuple of ints and None.
        dtype: dtype name.
        sparse, ragged: kept as flags.
        record_history: whether operations on it are recorded.
        name: optional name.

    Examples:
        >>> import fkeras
        >>> x = fkeras.KerasTensor((None, 3))
        >>> fkeras.ops.sum(x, axis=-1).shape
        (None,)
    """

    def __init__(
        self,
        shape,
        dtype="float32",
        sparse=False,
        ragged=False,
        record_history=True,
        name=None,
        **kwargs,
    ):
        if kwargs:
            raise UserTypeError(f"KerasTensor: unexpected arguments {sorted(kwargs)}.")
        if not isinstance(shape, (tuple, list)):
            raise UserTypeError(
                "KerasTensor: `shape` must be a tuple or list of ints and None. Received: "
                f"{shape!r}."
            )
        self._shape = tuple(None if d is None else int(d) for d in shape)
        self.dtype = standardize_dtype(dtype)
        self._sparse, self._ragged = bool(sparse), bool(ragged)
        self.name = name or names.auto_name("keras_tensor")
        self.record_history = record_history
        self._keras_history = None  # (operation, node index, tensor index)

    @property
    def shape(self):
        return self._shape

    @shape.setter
    def shape(self, value):
        raise AttributeError(
            "The `shape` of a KerasTensor cannot be changed. Make a new one or use "
            "`fkeras.ops.reshape`."
        )

    sparse = property(lambda self: self._sparse)
    ragged = property(lambda self: self._ragged)
    rank = ndim = property(lambda self: len(self._shape))

    def __repr__(self):
        flags = "".join(f", {n}=True" for n in ("sparse", "ragged") if getattr(self, n))
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}{flags}, name={self.name}>"

    def __len__(self):
        raise TypeError(f"{self!r} is symbolic and has no length. Its static shape is in `.shape`.")

    def __iter__(self):
        raise TypeError(f"Cannot iterate over {self!r}: it is symbolic. Use `fkeras.ops.unstack`.")

    def __bool__(self):
        raise TypeError(
            f"{self!r} is symbolic and has no truth value. Use `fkeras.ops.cond` or "
            "`fkeras.ops.where`."
        )

    def __array__(self, *args, **kwargs):
        raise UserInputError(
            f"{self!r} is symbolic: it has a shape and a dtype but no values, so NumPy cannot "
            "compute with it. Use the function of `fkeras.ops` with the same name, a layer, or "
            "wrap your function in `fkeras.layers.Lambda`."
        )

    @property
    def __jax_array__(self):
        """Raises as soon as JAX looks for it: JAX asks whether it is there, and would explain
        itself before calling it.
        """
        raise UserInputError(
            f"{self!r} is symbolic: it has a shape and a dtype but no values, so a jax.numpy "
            "function cannot compute with it. Use the function of `fkeras.ops` with the same "
            "name, a layer, or wrap your function in `fkeras.layers.Lambda`."
        )

    def __hash__(self):
        return id(self)

    def __getattr__(self, name):
        if name in ("__array_interface__", "__array_struct__") or name.startswith("__"):
            raise AttributeError(name)
        if name == "T" and "transpose" in TENSOR_METHODS:
            return TENSOR_METHODS["transpose"](self)
        if name in ("reshape", "squeeze") and name in TENSOR_METHODS:
            return functools.partial(_method, name, self)
        raise AttributeError(f"{self!r} has no attribute {name!r}.")


def _method(name, tensor, *args):
    if name == "reshape" and not (len(args) == 1 and isinstance(args[0], (tuple, list))):
        args = (args,)
    return TENSOR_METHODS[name](tensor, *args)


# Filled by `fkeras.ops.operators`, which lies above: Python operator or method name -> op.
TENSOR_METHODS: dict = {}


def _operator(name, reverse=False):
    def method(self, *others):
        op = TENSOR_METHODS[name]
        return op(others[0], self) if reverse else op(self, *others)

    return method


for _name in (
    "add sub mul truediv floordiv mod pow matmul lt le gt ge eq ne and or xor neg pos abs invert "
    "getitem round"
).split():
    setattr(KerasTensor, f"__{_name}__", _operator(_name))
for _name in "add sub mul truediv floordiv mod pow matmul and or xor".split():
    setattr(KerasTensor, f"__r{_name}__", _operator(_name, reverse=True))


def standardize_dtype(dtype) -> str:
    """A dtype in any spelling as its plain name: `np.float32`, `jnp.bfloat16`, `'int'` ->
    `'float32'`, `'bfloat16'`, `'int32'`.
    """
    from_python = {
        None: "floatx",
        "float": "floatx",
        float: "floatx",
        "int": "int32",
        int: "int32",
        bool: "bool",
        str: "string",
    }
    if dtype is None or isinstance(dtype, (str, type)):
        dtype = from_python.get(dtype, dtype)
        if dtype == "floatx":
            return floatx()
    if isinstance(dtype, str):
        name = dtype
    else:
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = str(getattr(dtype, "name", dtype))
    if name.startswith("str") or name == "object":
        name = "string"
    if name not in DTYPES:
        raise UserInputError(f"Invalid dtype: {dtype!r}. Expected one of {sorted(DTYPES)}.")
    return name


DTYPES = frozenset(
    "bool int4 uint4 int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 "
    "float64 complex64 complex128 float8_e4m3fn float8_e5m2 string".split()
)


def map_structure(fn, structure):
    """`fn` at each leaf of nested lists, tuples (named too) and dicts; None is a leaf that stays
    None.
    """
    if isinstance(structure, dict):
        made = [(k, map_structure(fn, v)) for k, v in structure.items()]
        return dict(made) if type(structure) is dict else type(structure)(made)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(map_structure(fn, v) for v in structure))
    if isinstance(structure, (list, tuple)):
        made = [map_structure(fn, v) for v in structure]
        return made if isinstance(structure, list) else tuple(made)
    return None if structure is None else fn(structure)


def leaves(structure) -> list:
    """All leaves of nested lists, tuples and dicts (dict entries sorted by key where they can be),
    without None.
    """
    out: list = []
    _collect(structure, out)
    return out


def _collect(structure, out):
    if isinstance(structure, dict):
        try:
            keys = sorted(structure)
        except TypeError:
            keys = list(structure)
        for k in keys:
            _collect(structure[k], out)
    elif isinstance(structure, (list, tuple)):
        for v in structure:
            _collect(v, out)
    elif structure is not None:
        out.append(structure)


def any_symbolic(*values) -> bool:
    """Whether a KerasTensor is among the values, looking into lists, tuples and dicts."""
    for value in values:
        if isinstance(value, KerasTensor):
            return True
        if isinstance(value, (list, tuple)):
            if any_symbolic(*value):
                return True
        elif isinstance(value, dict) and any_symbolic(*value.values()):
            return True
    return False


def evaluate(fn, *args, **kwargs):
    """Shapes and dtypes of `fn(*args, **kwargs)` as KerasTensors, computing nothing. KerasTensors
    may stand anywhere in the arguments.
    """
    return evaluate_call(fn, args, kwargs)


def evaluate_call(fn, args, kwargs, tries=16):
    """`evaluate` with the arguments in a tuple and a dict, and how many guesses of unknown
    dimensions to try before giving up.
    """
    symbolic = [x for x in leaves([args, kwargs]) if isinstance(x, KerasTensor)]
    unknown = [
        (t, i) for t, tensor in enumerate(symbolic) for i, d in enumerate(tensor.shape) if d is None
    ]

    def attempt(fill, known):
        return _evaluate_at(fn, args, kwargs, symbolic, fill, known)

    try:
        first = attempt(_FILLS[0], {})
        second = attempt(_FILLS[1], {}) if unknown else first
    except (TypeError, ValueError):
        # An unknown dimension may stand against a known one: (None, 3) + (2, None). Which sizes
        # make the call possible?
        for known in itertools.islice(_guesses(unknown, [args, kwargs]), tries):
            try:
                first, second = attempt(_FILLS[0], known), attempt(_FILLS[1], known)
                break
            except (TypeError, ValueError):
                pass
        else:
            raise

    def output(a, b):
        if not hasattr(a, "shape"):  # a Python value is what it is
            return a
        shape = tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True))
        return KerasTensor(
            shape,
            dtype=str(a.dtype),
            sparse=getattr(a, "sparse", False) or _kind_of(type(a)) == _SPARSE,
        )

    first_leaves, second_leaves = iter(leaves(first)), iter(leaves(second))
    return map_structure(
        lambda _: output(next(first_leaves), next(second_leaves)), _sorted_like_leaves(first)
    )


def _guesses(unknown, arguments):
    """Sizes for unknown dimensions, few dimensions first: sizes that stand in the call, in other
    arrays or as plain integers.
    """
    sizes = sorted(
        {
            d
            for x in leaves(arguments)
            for d in (getattr(x, "shape", None) or (x,))
            if type(d) is int and d > 0
        }
    )
    for count in range(1, len(unknown) + 1):
        for places in itertools.combinations(unknown, count):
            for chosen in itertools.product(sizes, repeat=count):
                yield dict(zip(places, chosen))


def _sorted_like_leaves(structure):
    """The structure with dicts in the order in which `leaves` visits them."""
    if isinstance(structure, dict):
        try:
            keys = sorted(structure)
        except TypeError:
            keys = list(structure)
        made = [(k, _sorted_like_leaves(structure[k])) for k in keys]
        return dict(made) if type(structure) is dict else type(structure)(made)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(_sorted_like_leaves(v) for v in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(_sorted_like_leaves(v) for v in structure)
    return structure


def _evaluate_at(fn, args, kwargs, symbolic, fill, known):
    def size(t, i, d):
        return d if d is not None else known.get((t, i), fill)

    structs = [
        jax.ShapeDtypeStruct(
            tuple(size(t, i, d) for i, d in enumerate(tensor.shape)), _jax_dtype(tensor.dtype)
        )
        for t, tensor in enumerate(symbolic)
    ]
    static: list = []

    def run(arrays):
        given = {id(t): _to_sparse(a) if t.sparse else a for t, a in zip(symbolic, arrays)}
        swap = functools.partial(
            map_structure, lambda x: given.get(id(x), x) if isinstance(x, KerasTensor) else x
        )
        out = fn(*swap(args), **swap(kwargs))
        # Python values and None pass by the side: `eval_shape` would make arrays of them.
        found: list = []
        static.append(map_structure(lambda x: x if not _is_array(x) else _mark(found, x), out))
        return found

    abstract = iter(jax.eval_shape(run, structs))
    return map_structure(lambda x: next(abstract) if x is _ARRAY else x, static[-1])


_ARRAY = object()


def _mark(found, x):
    found.append(x if isinstance(x, jax.Array) or _kind_of(type(x)) == _SPARSE else jnp.asarray(x))
    return _ARRAY


def _is_array(x):
    return (
        isinstance(x, (jax.Array, np.ndarray, np.generic))
        or hasattr(type(x), "__jax_array__")
        or _kind_of(type(x)) == _SPARSE
    )


def _to_sparse(x):
    from jax.experimental import sparse

    return sparse.BCOO.fromdense(x, nse=1)


def _jax_dtype(dtype):
    if dtype == "string":
        raise UserInputError(
            "A string tensor cannot be evaluated abstractly: strings are looked up on the host, "
            "before the model."
        )
    return jax.dtypes.canonicalize_dtype(dtype)


class Node:
    """One recorded call: who, on what, what came out. `arguments` keep their structure,
    KerasTensors inside.
    """

    def __init__(self, operation, args, kwargs, outputs):
        self.operation, self.args, self.kwargs, self.outputs = operation, args, kwargs, outputs
        self.inputs = [x for x in leaves([args, kwargs]) if isinstance(x, KerasTensor)]
        operation._inbound_nodes.append(self)
        index = len(operation._inbound_nodes) - 1
        for i, tensor in enumerate(x for x in leaves(outputs) if isinstance(x, KerasTensor)):
            if tensor.record_history:
                tensor._keras_history = (operation, index, i)

    input_tensors = property(lambda self: self.inputs)
    output_tensors = property(
        lambda self: [x for x in leaves(self.outputs) if isinstance(x, KerasTensor)]
    )


class FunctionOperation:
    """A function of `fkeras.ops` as it stands in a graph; made at each symbolic call."""

    def __init__(self, fn, name=None):
        self.fn = fn
        self.name = name or names.auto_name(fn.__name__)
        self._inbound_nodes: list[Node] = []

    def call(self, *args, **kwargs):
        return self.fn(*args, **kwargs)

    __call__ = call

    def __repr__(self):
        return f"<Op {self.fn.__name__}, name={self.name}>"


def record(operation, args, kwargs, outputs):
    """Writes a Node for outputs that are all new; returns the outputs."""
    Node(operation, args, kwargs, outputs)
    return outputs


# What the op wrapper has to do for a value, by its type; looked up per argument at each call, hence
# the table.
_PLAIN, _SYMBOLIC, _READ, _SPARSE, _CONTAINER = 0, 1, 2, 4, 8
_kinds: dict[type, int] = {}


def _kind_of(cls) -> int:
    kind = _kinds.get(cls)
    if kind is None:
        sparse = sys.modules.get(
            "jax.experimental.sparse"
        )  # where it was never imported there are no sparse arrays
        if issubclass(cls, KerasTensor):
            kind = _SYMBOLIC
        elif issubclass(cls, (list, tuple, dict)):
            kind = _CONTAINER
        elif sparse is not None and issubclass(cls, sparse.JAXSparse):
            kind = _SPARSE
        else:
            kind = (
                _READ
                if hasattr(cls, "__jax_array__") and not issubclass(cls, jax.core.Tracer)
                else _PLAIN
            )
        _kinds[cls] = kind
    return kind


def _kinds_in(values) -> int:
    """The kinds of all values and of what lists, tuples and dicts among them hold, or-ed
    together.
    """
    found = 0
    for value in values:
        kind = _kinds.get(type(value))
        if kind is None:
            kind = _kind_of(type(value))
        if kind:
            found |= (
                _kinds_in(value.values() if isinstance(value, dict) else value)
                if kind == _CONTAINER
                else kind
            )
    return found


def _read(x):
    """The array of a Variable (jax.lax takes none); everything else as it is."""
    return x.__jax_array__() if _kind_of(type(x)) == _READ else x


def _densify(x):
    return x.todense() if _kind_of(type(x)) == _SPARSE else x


def op(fn=None, *, spec=None, sparse=None, explained=True):
    """Makes a function of arrays one of `fkeras.ops`: on KerasTensors it is recorded instead of
    computed; Variables are read.

    Args:
        fn: the function of arrays.
        spec: optional function of the same arguments that returns KerasTensors, where abstract
            evaluation cannot tell the shape.
        sparse: optional `sparse(fn, *args, **kwargs)` that computes where an argument is a
            `jax.experimental.sparse` array; None: such arguments are made dense.
        explained: whether TypeErrors, ValueErrors and IndexErrors are raised again as
            `UserInputError`s that name the op and its arguments; False for functions that call the
            user's own.
    """
    if fn is None:
        return functools.partial(op, spec=spec, sparse=sparse, explained=explained)

    def compute(*args, **kwargs):
        """What the op does where a Variable or a sparse array is among the arguments."""
        kinds = _kinds_in(args) | _kinds_in(kwargs.values())
        if kinds & _READ:
            args, kwargs = map_structure(_read, args), map_structure(_read, kwargs)
        if kinds & _SPARSE:
            if sparse is not None:
                return sparse(fn, *args, **kwargs)
            args, kwargs = map_structure(_densify, args), map_structure(_densify, kwargs)
        return fn(*args, **kwargs)

    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        try:
            kinds = _kinds_in(args)
            if kwargs:
                kinds |= _kinds_in(kwargs.values())
            if not kinds:
                return fn(*args, **kwargs)
            if not kinds & _SYMBOLIC:
                return compute(*args, **kwargs)
            outputs = (
                spec(*args, **kwargs)
                if spec is not None
                else evaluate_call(compute, args, kwargs, tries=100)
            )
        except (TypeError, ValueError, IndexError) as error:
            if not explained or isinstance(error, (UserInputError, jax.errors.JAXTypeError)):
                raise
            raise call_errors.explain(fn, args, kwargs, error) from error
        return record(FunctionOperation(wrapper), args, kwargs, outputs)

    wrapper.compute_output_spec = spec or functools.partial(evaluate, compute)
    return wrapper
