"""Functions of arrays under Keras's names: thin over jax.numpy, jax.nn and jax.lax.

On arrays they compute; on `KerasTensor`s they are recorded. Dtypes follow Keras's promotion rules. A table of contents, no code.
"""

# -- core --------------------------------------------------------------------------------------------------------------------------
from fkeras.ops.custom_gradient import custom_gradient as custom_gradient

# -- image -------------------------------------------------------------------------------------------------------------------------
from fkeras.ops import image as image

# -- linalg ------------------------------------------------------------------------------------------------------------------------
from fkeras.ops import linalg as linalg

# -- nn ----------------------------------------------------------------------------------------------------------------------------
from fkeras.ops import nn as nn

# -- numpy -------------------------------------------------------------------------------------------------------------------------
from fkeras.ops import numpy as numpy
from fkeras.ops import operators as operators
from fkeras.ops.control_flow import (
    associative_scan as associative_scan,
)
from fkeras.ops.control_flow import (
    cond as cond,
)
from fkeras.ops.control_flow import (
    fori_loop as fori_loop,
)
from fkeras.ops.control_flow import (
    map as map,
)
from fkeras.ops.control_flow import (
    scan as scan,
)
from fkeras.ops.control_flow import (
    switch as switch,
)
from fkeras.ops.control_flow import (
    vectorized_map as vectorized_map,
)
from fkeras.ops.control_flow import (
    while_loop as while_loop,
)
from fkeras.ops.joining import (
    unstack as unstack,
)
from fkeras.ops.linalg import (
    cholesky as cholesky,
)
from fkeras.ops.linalg import (
    cholesky_inverse as cholesky_inverse,
)
from fkeras.ops.linalg import (
    det as det,
)
from fkeras.ops.linalg import (
    eig as eig,
)
from fkeras.ops.linalg import (
    eigh as eigh,
)
from fkeras.ops.linalg import (
    inv as inv,
)
from fkeras.ops.linalg import (
    jvp as jvp,
)
from fkeras.ops.linalg import (
    lstsq as lstsq,
)
from fkeras.ops.linalg import (
    lu_factor as lu_factor,
)
from fkeras.ops.linalg import (
    matrix_power as matrix_power,
)
from fkeras.ops.linalg import (
    matrix_rank as matrix_rank,
)
from fkeras.ops.linalg import (
    norm as norm,
)
from fkeras.ops.linalg import (
    pinv as pinv,
)
from fkeras.ops.linalg import (
    qr as qr,
)
from fkeras.ops.linalg import (
    solve as solve,
)
from fkeras.ops.linalg import (
    solve_triangular as solve_triangular,
)
from fkeras.ops.linalg import (
    svd as svd,
)

# -- math --------------------------------------------------------------------------------------------------------------------------
from fkeras.ops.math import (
    cdist as cdist,
)
from fkeras.ops.math import (
    erf as erf,
)
from fkeras.ops.math import (
    erfc as erfc,
)
from fkeras.ops.math import (
    erfinv as erfinv,
)
from fkeras.ops.math import (
    gammainc as gammainc,
)
from fkeras.ops.math import (
    in_top_k as in_top_k,
)
from fkeras.ops.math import (
    logdet as logdet,
)
from fkeras.ops.math import (
    logsumexp as logsumexp,
)
from fkeras.ops.math import (
    rsqrt as rsqrt,
)
from fkeras.ops.math import (
    top_k as top_k,
)
from fkeras.ops.math import (
    view_as_complex as view_as_complex,
)
from fkeras.ops.math import (
    view_as_real as view_as_real,
)
from fkeras.ops.nn import (
    adaptive_average_pool as adaptive_average_pool,
)
from fkeras.ops.nn import (
    adaptive_max_pool as adaptive_max_pool,
)
from fkeras.ops.nn import (
    average_pool as average_pool,
)
from fkeras.ops.nn import (
    batch_normalization as batch_normalization,
)
from fkeras.ops.nn import (
    binary_crossentropy as binary_crossentropy,
)
from fkeras.ops.nn import (
    categorical_crossentropy as categorical_crossentropy,
)
from fkeras.ops.nn import (
    celu as celu,
)
from fkeras.ops.nn import (
    conv as conv,
)
from fkeras.ops.nn import (
    conv_transpose as conv_transpose,
)
from fkeras.ops.nn import (
    ctc_decode as ctc_decode,
)
from fkeras.ops.nn import (
    ctc_loss as ctc_loss,
)
from fkeras.ops.nn import (
    depth_to_space as depth_to_space,
)
from fkeras.ops.nn import (
    depthwise_conv as depthwise_conv,
)
from fkeras.ops.nn import (
    dot_product_attention as dot_product_attention,
)
from fkeras.ops.nn import (
    elu as elu,
)
from fkeras.ops.nn import (
    fold as fold,
)
from fkeras.ops.nn import (
    gelu as gelu,
)
from fkeras.ops.nn import (
    glu as glu,
)
from fkeras.ops.nn import (
    hard_shrink as hard_shrink,
)
from fkeras.ops.nn import (
    hard_sigmoid as hard_sigmoid,
)
from fkeras.ops.nn import (
    hard_silu as hard_silu,
)
from fkeras.ops.nn import (
    hard_swish as hard_swish,
)
from fkeras.ops.nn import (
    hard_tanh as hard_tanh,
)
from fkeras.ops.nn import (
    layer_normalization as layer_normalization,
)
from fkeras.ops.nn import (
    leaky_relu as leaky_relu,
)
from fkeras.ops.nn import (
    log_sigmoid as log_sigmoid,
)
from fkeras.ops.nn import (
    log_softmax as log_softmax,
)
from fkeras.ops.nn import (
    max_pool as max_pool,
)
from fkeras.ops.nn import (
    moments as moments,
)
from fkeras.ops.nn import (
    multi_hot as multi_hot,
)
from fkeras.ops.nn import (
    normalize as normalize,
)
from fkeras.ops.nn import (
    one_hot as one_hot,
)
from fkeras.ops.nn import (
    polar as polar,
)
from fkeras.ops.nn import (
    psnr as psnr,
)
from fkeras.ops.nn import (
    relu as relu,
)
from fkeras.ops.nn import (
    relu6 as relu6,
)
from fkeras.ops.nn import (
    rms_normalization as rms_normalization,
)
from fkeras.ops.nn import (
    selu as selu,
)
from fkeras.ops.nn import (
    separable_conv as separable_conv,
)
from fkeras.ops.nn import (
    sigmoid as sigmoid,
)
from fkeras.ops.nn import (
    silu as silu,
)
from fkeras.ops.nn import (
    soft_shrink as soft_shrink,
)
from fkeras.ops.nn import (
    softmax as softmax,
)
from fkeras.ops.nn import (
    softplus as softplus,
)
from fkeras.ops.nn import (
    softsign as softsign,
)
from fkeras.ops.nn import (
    space_to_depth as space_to_depth,
)
from fkeras.ops.nn import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from fkeras.ops.nn import (
    sparse_plus as sparse_plus,
)
from fkeras.ops.nn import (
    sparse_sigmoid as sparse_sigmoid,
)
from fkeras.ops.nn import (
    sparsemax as sparsemax,
)
from fkeras.ops.nn import (
    squareplus as squareplus,
)
from fkeras.ops.nn import (
    swish as swish,
)
from fkeras.ops.nn import (
    tanh_shrink as tanh_shrink,
)
from fkeras.ops.nn import (
    threshold as threshold,
)
from fkeras.ops.nn import (
    unfold as unfold,
)
from fkeras.ops.numpy import (
    abs as abs,
)
from fkeras.ops.numpy import (
    absolute as absolute,
)
from fkeras.ops.numpy import (
    add as add,
)
from fkeras.ops.numpy import (
    all as all,
)
from fkeras.ops.numpy import (
    allclose as allclose,
)
from fkeras.ops.numpy import (
    amax as amax,
)
from fkeras.ops.numpy import (
    amin as amin,
)
from fkeras.ops.numpy import (
    angle as angle,
)
from fkeras.ops.numpy import (
    any as any,
)
from fkeras.ops.numpy import (
    append as append,
)
from fkeras.ops.numpy import (
    arange as arange,
)
from fkeras.ops.numpy import (
    arccos as arccos,
)
from fkeras.ops.numpy import (
    arccosh as arccosh,
)
from fkeras.ops.numpy import (
    arcsin as arcsin,
)
from fkeras.ops.numpy import (
    arcsinh as arcsinh,
)
from fkeras.ops.numpy import (
    arctan as arctan,
)
from fkeras.ops.numpy import (
    arctan2 as arctan2,
)
from fkeras.ops.numpy import (
    arctanh as arctanh,
)
from fkeras.ops.numpy import (
    argmax as argmax,
)
from fkeras.ops.numpy import (
    argmin as argmin,
)
from fkeras.ops.numpy import (
    argpartition as argpartition,
)
from fkeras.ops.numpy import (
    argsort as argsort,
)
from fkeras.ops.numpy import (
    array as array,
)
from fkeras.ops.numpy import (
    array_split as array_split,
)
from fkeras.ops.numpy import (
    average as average,
)
from fkeras.ops.numpy import (
    bartlett as bartlett,
)
from fkeras.ops.numpy import (
    bincount as bincount,
)
from fkeras.ops.numpy import (
    bitwise_and as bitwise_and,
)
from fkeras.ops.numpy import (
    bitwise_invert as bitwise_invert,
)
from fkeras.ops.numpy import (
    bitwise_left_shift as bitwise_left_shift,
)
from fkeras.ops.numpy import (
    bitwise_not as bitwise_not,
)
from fkeras.ops.numpy import (
    bitwise_or as bitwise_or,
)
from fkeras.ops.numpy import (
    bitwise_right_shift as bitwise_right_shift,
)
from fkeras.ops.numpy import (
    bitwise_xor as bitwise_xor,
)
from fkeras.ops.numpy import (
    blackman as blackman,
)
from fkeras.ops.numpy import (
    broadcast_to as broadcast_to,
)
from fkeras.ops.numpy import (
    cbrt as cbrt,
)
from fkeras.ops.numpy import (
    ceil as ceil,
)
from fkeras.ops.numpy import (
    clip as clip,
)
from fkeras.ops.numpy import (
    column_stack as column_stack,
)
from fkeras.ops.numpy import (
    concatenate as concatenate,
)
from fkeras.ops.numpy import (
    conj as conj,
)
from fkeras.ops.numpy import (
    conjugate as conjugate,
)
from fkeras.ops.numpy import (
    copy as copy,
)
from fkeras.ops.numpy import (
    corrcoef as corrcoef,
)
from fkeras.ops.numpy import (
    correlate as correlate,
)
from fkeras.ops.numpy import (
    cos as cos,
)
from fkeras.ops.numpy import (
    cosh as cosh,
)
from fkeras.ops.numpy import (
    count_nonzero as count_nonzero,
)
from fkeras.ops.numpy import (
    cross as cross,
)
from fkeras.ops.numpy import (
    cumprod as cumprod,
)
from fkeras.ops.numpy import (
    cumsum as cumsum,
)
from fkeras.ops.numpy import (
    deg2rad as deg2rad,
)
from fkeras.ops.numpy import (
    diag as diag,
)
from fkeras.ops.numpy import (
    diagflat as diagflat,
)
from fkeras.ops.numpy import (
    diagonal as diagonal,
)
from fkeras.ops.numpy import (
    diff as diff,
)
from fkeras.ops.numpy import (
    digitize as digitize,
)
from fkeras.ops.numpy import (
    divide as divide,
)
from fkeras.ops.numpy import (
    divide_no_nan as divide_no_nan,
)
from fkeras.ops.numpy import (
    dot as dot,
)
from fkeras.ops.numpy import (
    dsplit as dsplit,
)
from fkeras.ops.numpy import (
    dstack as dstack,
)
from fkeras.ops.numpy import (
    einsum as einsum,
)
from fkeras.ops.numpy import (
    empty as empty,
)
from fkeras.ops.numpy import (
    empty_like as empty_like,
)
from fkeras.ops.numpy import (
    equal as equal,
)
from fkeras.ops.numpy import (
    exp as exp,
)
from fkeras.ops.numpy import (
    exp2 as exp2,
)
from fkeras.ops.numpy import (
    expand_dims as expand_dims,
)
from fkeras.ops.numpy import (
    expm1 as expm1,
)
from fkeras.ops.numpy import (
    eye as eye,
)
from fkeras.ops.numpy import (
    fabs as fabs,
)
from fkeras.ops.numpy import (
    flip as flip,
)
from fkeras.ops.numpy import (
    fliplr as fliplr,
)
from fkeras.ops.numpy import (
    flipud as flipud,
)
from fkeras.ops.numpy import (
    floor as floor,
)
from fkeras.ops.numpy import (
    floor_divide as floor_divide,
)
from fkeras.ops.numpy import (
    fmax as fmax,
)
from fkeras.ops.numpy import (
    fmin as fmin,
)
from fkeras.ops.numpy import (
    fmod as fmod,
)
from fkeras.ops.numpy import (
    full as full,
)
from fkeras.ops.numpy import (
    full_like as full_like,
)
from fkeras.ops.numpy import (
    gcd as gcd,
)
from fkeras.ops.numpy import (
    geomspace as geomspace,
)
from fkeras.ops.numpy import (
    get_item as get_item,
)
from fkeras.ops.numpy import (
    greater as greater,
)
from fkeras.ops.numpy import (
    greater_equal as greater_equal,
)
from fkeras.ops.numpy import (
    hamming as hamming,
)
from fkeras.ops.numpy import (
    hanning as hanning,
)
from fkeras.ops.numpy import (
    heaviside as heaviside,
)
from fkeras.ops.numpy import (
    histogram as histogram,
)
from fkeras.ops.numpy import (
    hsplit as hsplit,
)
from fkeras.ops.numpy import (
    hstack as hstack,
)
from fkeras.ops.numpy import (
    hypot as hypot,
)
from fkeras.ops.numpy import (
    i0 as i0,
)
from fkeras.ops.numpy import (
    identity as identity,
)
from fkeras.ops.numpy import (
    imag as imag,
)
from fkeras.ops.numpy import (
    inner as inner,
)
from fkeras.ops.numpy import (
    isclose as isclose,
)
from fkeras.ops.numpy import (
    isfinite as isfinite,
)
from fkeras.ops.numpy import (
    isin as isin,
)
from fkeras.ops.numpy import (
    isinf as isinf,
)
from fkeras.ops.numpy import (
    isnan as isnan,
)
from fkeras.ops.numpy import (
    isneginf as isneginf,
)
from fkeras.ops.numpy import (
    isposinf as isposinf,
)
from fkeras.ops.numpy import (
    isreal as isreal,
)
from fkeras.ops.numpy import (
    kaiser as kaiser,
)
from fkeras.ops.numpy import (
    kron as kron,
)
from fkeras.ops.numpy import (
    lcm as lcm,
)
from fkeras.ops.numpy import (
    ldexp as ldexp,
)
from fkeras.ops.numpy import (
    left_shift as left_shift,
)
from fkeras.ops.numpy import (
    less as less,
)
from fkeras.ops.numpy import (
    less_equal as less_equal,
)
from fkeras.ops.numpy import (
    linspace as linspace,
)
from fkeras.ops.numpy import (
    log as log,
)
from fkeras.ops.numpy import (
    log1p as log1p,
)
from fkeras.ops.numpy import (
    log2 as log2,
)
from fkeras.ops.numpy import (
    log10 as log10,
)
from fkeras.ops.numpy import (
    logaddexp as logaddexp,
)
from fkeras.ops.numpy import (
    logaddexp2 as logaddexp2,
)
from fkeras.ops.numpy import (
    logical_and as logical_and,
)
from fkeras.ops.numpy import (
    logical_not as logical_not,
)
from fkeras.ops.numpy import (
    logical_or as logical_or,
)
from fkeras.ops.numpy import (
    logical_xor as logical_xor,
)
from fkeras.ops.numpy import (
    logspace as logspace,
)
from fkeras.ops.numpy import (
    matmul as matmul,
)
from fkeras.ops.numpy import (
    max as max,
)
from fkeras.ops.numpy import (
    maximum as maximum,
)
from fkeras.ops.numpy import (
    mean as mean,
)
from fkeras.ops.numpy import (
    median as median,
)
from fkeras.ops.numpy import (
    meshgrid as meshgrid,
)
from fkeras.ops.numpy import (
    min as min,
)
from fkeras.ops.numpy import (
    minimum as minimum,
)
from fkeras.ops.numpy import (
    mod as mod,
)
from fkeras.ops.numpy import (
    moveaxis as moveaxis,
)
from fkeras.ops.numpy import (
    multiply as multiply,
)
from fkeras.ops.numpy import (
    nan_to_num as nan_to_num,
)
from fkeras.ops.numpy import (
    nanargmax as nanargmax,
)
from fkeras.ops.numpy import (
    nanargmin as nanargmin,
)
from fkeras.ops.numpy import (
    nancumprod as nancumprod,
)
from fkeras.ops.numpy import (
    nancumsum as nancumsum,
)
from fkeras.ops.numpy import (
    nanmax as nanmax,
)
from fkeras.ops.numpy import (
    nanmean as nanmean,
)
from fkeras.ops.numpy import (
    nanmedian as nanmedian,
)
from fkeras.ops.numpy import (
    nanmin as nanmin,
)
from fkeras.ops.numpy import (
    nanpercentile as nanpercentile,
)
from fkeras.ops.numpy import (
    nanprod as nanprod,
)
from fkeras.ops.numpy import (
    nanquantile as nanquantile,
)
from fkeras.ops.numpy import (
    nanstd as nanstd,
)
from fkeras.ops.numpy import (
    nansum as nansum,
)
from fkeras.ops.numpy import (
    nanvar as nanvar,
)
from fkeras.ops.numpy import (
    ndim as ndim,
)
from fkeras.ops.numpy import (
    negative as negative,
)
from fkeras.ops.numpy import (
    nextafter as nextafter,
)
from fkeras.ops.numpy import (
    nonzero as nonzero,
)
from fkeras.ops.numpy import (
    not_equal as not_equal,
)
from fkeras.ops.numpy import (
    ones as ones,
)
from fkeras.ops.numpy import (
    ones_like as ones_like,
)
from fkeras.ops.numpy import (
    outer as outer,
)
from fkeras.ops.numpy import (
    pad as pad,
)
from fkeras.ops.numpy import (
    percentile as percentile,
)
from fkeras.ops.numpy import (
    power as power,
)
from fkeras.ops.numpy import (
    prod as prod,
)
from fkeras.ops.numpy import (
    ptp as ptp,
)
from fkeras.ops.numpy import (
    quantile as quantile,
)
from fkeras.ops.numpy import (
    rad2deg as rad2deg,
)
from fkeras.ops.numpy import (
    ravel as ravel,
)
from fkeras.ops.numpy import (
    real as real,
)
from fkeras.ops.numpy import (
    reciprocal as reciprocal,
)
from fkeras.ops.numpy import (
    repeat as repeat,
)
from fkeras.ops.numpy import (
    reshape as reshape,
)
from fkeras.ops.numpy import (
    right_shift as right_shift,
)
from fkeras.ops.numpy import (
    roll as roll,
)
from fkeras.ops.numpy import (
    rot90 as rot90,
)
from fkeras.ops.numpy import (
    round as round,
)
from fkeras.ops.numpy import (
    searchsorted as searchsorted,
)
from fkeras.ops.numpy import (
    select as select,
)
from fkeras.ops.numpy import (
    sign as sign,
)
from fkeras.ops.numpy import (
    signbit as signbit,
)
from fkeras.ops.numpy import (
    sin as sin,
)
from fkeras.ops.numpy import (
    sinc as sinc,
)
from fkeras.ops.numpy import (
    sinh as sinh,
)
from fkeras.ops.numpy import (
    size as size,
)
from fkeras.ops.numpy import (
    slogdet as slogdet,
)
from fkeras.ops.numpy import (
    sort as sort,
)
from fkeras.ops.numpy import (
    split as split,
)
from fkeras.ops.numpy import (
    sqrt as sqrt,
)
from fkeras.ops.numpy import (
    square as square,
)
from fkeras.ops.numpy import (
    squeeze as squeeze,
)
from fkeras.ops.numpy import (
    stack as stack,
)
from fkeras.ops.numpy import (
    std as std,
)
from fkeras.ops.numpy import (
    subtract as subtract,
)
from fkeras.ops.numpy import (
    sum as sum,
)
from fkeras.ops.numpy import (
    swapaxes as swapaxes,
)
from fkeras.ops.numpy import (
    take as take,
)
from fkeras.ops.numpy import (
    take_along_axis as take_along_axis,
)
from fkeras.ops.numpy import (
    tan as tan,
)
from fkeras.ops.numpy import (
    tanh as tanh,
)
from fkeras.ops.numpy import (
    tensordot as tensordot,
)
from fkeras.ops.numpy import (
    tile as tile,
)
from fkeras.ops.numpy import (
    trace as trace,
)
from fkeras.ops.numpy import (
    transpose as transpose,
)
from fkeras.ops.numpy import (
    trapezoid as trapezoid,
)
from fkeras.ops.numpy import (
    tri as tri,
)
from fkeras.ops.numpy import (
    tril as tril,
)
from fkeras.ops.numpy import (
    triu as triu,
)
from fkeras.ops.numpy import (
    true_divide as true_divide,
)
from fkeras.ops.numpy import (
    trunc as trunc,
)
from fkeras.ops.numpy import (
    unique as unique,
)
from fkeras.ops.numpy import (
    unravel_index as unravel_index,
)
from fkeras.ops.numpy import (
    vander as vander,
)
from fkeras.ops.numpy import (
    var as var,
)
from fkeras.ops.numpy import (
    vdot as vdot,
)
from fkeras.ops.numpy import (
    vectorize as vectorize,
)
from fkeras.ops.numpy import (
    view as view,
)
from fkeras.ops.numpy import (
    vsplit as vsplit,
)
from fkeras.ops.numpy import (
    vstack as vstack,
)
from fkeras.ops.numpy import (
    where as where,
)
from fkeras.ops.numpy import (
    zeros as zeros,
)
from fkeras.ops.numpy import (
    zeros_like as zeros_like,
)
from fkeras.ops.scattering import (
    scatter as scatter,
)
from fkeras.ops.scattering import (
    scatter_update as scatter_update,
)
from fkeras.ops.scattering import (
    slice as slice,
)
from fkeras.ops.scattering import (
    slice_update as slice_update,
)
from fkeras.ops.segment import (
    segment_max as segment_max,
)
from fkeras.ops.segment import (
    segment_min as segment_min,
)
from fkeras.ops.segment import (
    segment_prod as segment_prod,
)
from fkeras.ops.segment import (
    segment_sum as segment_sum,
)
from fkeras.ops.spectral import (
    extract_sequences as extract_sequences,
)
from fkeras.ops.spectral import (
    fft as fft,
)
from fkeras.ops.spectral import (
    fft2 as fft2,
)
from fkeras.ops.spectral import (
    ifft2 as ifft2,
)
from fkeras.ops.spectral import (
    irfft as irfft,
)
from fkeras.ops.spectral import (
    istft as istft,
)
from fkeras.ops.spectral import (
    rfft as rfft,
)
from fkeras.ops.spectral import (
    stft as stft,
)
from fkeras.ops.tensors import (
    cast as cast,
)
from fkeras.ops.tensors import (
    convert_to_numpy as convert_to_numpy,
)
from fkeras.ops.tensors import (
    convert_to_tensor as convert_to_tensor,
)
from fkeras.ops.tensors import (
    dtype as dtype,
)
from fkeras.ops.tensors import (
    is_tensor as is_tensor,
)
from fkeras.ops.tensors import (
    saturate_cast as saturate_cast,
)
from fkeras.ops.tensors import (
    shape as shape,
)
from fkeras.ops.tensors import (
    stop_gradient as stop_gradient,
)
