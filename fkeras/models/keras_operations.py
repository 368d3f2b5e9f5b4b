"""Keras's names for functions of `ops` in configs: a class each, whose constructor takes some of
the arguments.

`ops.mean(x, axis=1)` stands in a config as an object `Mean(axis=1)` that is called on `x`.
"""

from __future__ import annotations

from typing import NamedTuple


class KerasOperation(NamedTuple):
    """How Keras writes one function.

    Attributes:
        module: where configs say that the class lives.
        class_name: of the class.
        function: its name in `ops`, with a dot for one of `ops.image`.
        options: the arguments that the constructor takes; the others are those of the call.
    """

    module: str
    class_name: str
    function: str
    options: tuple[str, ...]


# Module, class, function, options; a line that is indented goes on with the one before.
_ROWS = """
core Cast cast dtype
core ConvertToTensor convert_to_tensor dtype sparse ragged
core SaturateCast saturate_cast dtype
core Scatter scatter shape
core ScatterUpdate scatter_update reduction
core Slice slice shape
core SliceUpdate slice_update
core StopGradient stop_gradient
core Unstack unstack num axis
einops Rearrange rearrange
image AffineTransform image.affine_transform interpolation fill_mode fill_value data_format
image CropImages image.crop_images top_cropping left_cropping bottom_cropping right_cropping
    target_height target_width data_format
image ElasticTransform image.elastic_transform alpha sigma interpolation fill_mode fill_value
    seed data_format
image ExtractPatches image.extract_patches size strides dilation_rate padding data_format
image GaussianBlur image.gaussian_blur kernel_size sigma data_format
image HSVToRGB image.hsv_to_rgb data_format
image MapCoordinates image.map_coordinates order fill_mode fill_value
image PadImages image.pad_images top_padding left_padding bottom_padding right_padding
    target_height target_width data_format
image PerspectiveTransform image.perspective_transform interpolation fill_value data_format
image RGBToGrayscale image.rgb_to_grayscale data_format
image RGBToHSV image.rgb_to_hsv data_format
image Resize image.resize size interpolation antialias crop_to_aspect_ratio pad_to_aspect_ratio
    fill_mode fill_value data_format
image ScaleAndTranslate image.scale_and_translate spatial_dims method antialias
linalg Cholesky cholesky upper
linalg CholeskyInverse cholesky_inverse upper
linalg Det det
linalg Eig eig
linalg Eigh eigh
linalg Inv inv
linalg JVP jvp has_aux
linalg Lstsq lstsq rcond
linalg LuFactor lu_factor
linalg MatrixRank matrix_rank tol
linalg Norm norm ord axis keepdims
linalg Pinv pinv rcond
linalg Qr qr mode
linalg SVD svd full_matrices compute_uv
linalg Solve solve
linalg SolveTriangular solve_triangular lower
math CDist cdist
math Erf erf
math Erfc erfc
math Erfinv erfinv
math ExtractSequences extract_sequences sequence_length sequence_stride
math FFT fft
math FFT2 fft2
math IFFT2 ifft2
math IRFFT irfft fft_length
math ISTFT istft sequence_length sequence_stride fft_length length window center
math InTopK in_top_k k
math Logdet logdet
math Logsumexp logsumexp axis keepdims
math RFFT rfft fft_length
math Rsqrt rsqrt
math STFT stft sequence_length sequence_stride fft_length window center
math SegmentMax segment_max num_segments sorted
math SegmentMin segment_min num_segments sorted
math SegmentProd segment_prod num_segments sorted
math SegmentSum segment_sum num_segments sorted
math TopK top_k k sorted
math ViewAsComplex view_as_complex
math ViewAsReal view_as_real
nn AdaptiveAveragePool adaptive_average_pool output_size data_format
nn AdaptiveMaxPool adaptive_max_pool output_size data_format
nn AveragePool average_pool pool_size strides padding data_format
nn BatchNorm batch_normalization axis epsilon
nn BinaryCrossentropy binary_crossentropy from_logits
nn CTCDecode ctc_decode strategy beam_width top_paths merge_repeated mask_index
nn CTCLoss ctc_loss mask_index
nn CategoricalCrossentropy categorical_crossentropy from_logits axis
nn Celu celu alpha
nn Conv conv strides padding data_format dilation_rate
nn ConvTranspose conv_transpose strides padding output_padding data_format dilation_rate
nn DepthToSpace depth_to_space block_size data_format
nn DepthwiseConv depthwise_conv strides padding data_format dilation_rate
nn DotProductAttention dot_product_attention is_causal flash_attention attn_logits_soft_cap
nn Elu elu alpha
nn Fold fold output_size kernel_size dilation padding stride
nn Gelu gelu approximate
nn Glu glu axis
nn HardShrink hard_shrink threshold
nn HardSigmoid hard_sigmoid
nn HardSilu hard_silu
nn HardTanh hard_tanh
nn LayerNorm layer_normalization axis epsilon rms_scaling
nn LeakyRelu leaky_relu negative_slope
nn LogSigmoid log_sigmoid
nn LogSoftmax log_softmax axis
nn MaxPool max_pool pool_size strides padding data_format
nn Moments moments axes keepdims synchronized
nn MultiHot multi_hot num_classes axis dtype sparse kwargs
nn Normalize normalize axis order epsilon
nn OneHot one_hot num_classes axis dtype sparse
nn PSNR psnr max_val
nn Polar polar
nn RMSNorm rms_normalization axis epsilon
nn Relu relu
nn Relu6 relu6
nn Selu selu
nn SeparableConv separable_conv strides padding data_format dilation_rate
nn Sigmoid sigmoid
nn Silu silu
nn SoftShrink soft_shrink threshold
nn Softmax softmax axis
nn Softplus softplus
nn Softsign softsign
nn SpaceToDepth space_to_depth block_size data_format
nn SparseCategoricalCrossentropy sparse_categorical_crossentropy from_logits axis
nn SparsePlus sparse_plus
nn SparseSigmoid sparse_sigmoid
nn Sparsemax sparsemax axis
nn Squareplus squareplus b
nn TanhShrink tanh_shrink
nn Threshold threshold threshold default_value
nn Unfold unfold kernel_size dilation padding stride
numpy Abs abs
numpy Absolute absolute
numpy Add add
numpy All all axis keepdims
numpy AllClose allclose rtol atol equal_nan
numpy Amax amax axis keepdims
numpy Amin amin axis keepdims
numpy Angle angle
numpy Any any axis keepdims
numpy Append append axis
numpy Arange arange dtype
numpy Arccos arccos
numpy Arccosh arccosh
numpy Arcsin arcsin
numpy Arcsinh arcsinh
numpy Arctan arctan
numpy Arctan2 arctan2
numpy Arctanh arctanh
numpy Argmax argmax axis keepdims
numpy Argmin argmin axis keepdims
numpy Argpartition argpartition kth axis
numpy Argsort argsort axis
numpy Array array dtype
numpy ArraySplit array_split indices_or_sections axis
numpy Average average axis
numpy Bincount bincount weights minlength sparse
numpy BitwiseAnd bitwise_and
numpy BitwiseInvert bitwise_invert
numpy BitwiseLeftShift bitwise_left_shift
numpy BitwiseNot bitwise_not
numpy BitwiseOr bitwise_or
numpy BitwiseRightShift bitwise_right_shift
numpy BitwiseXor bitwise_xor
numpy BroadcastTo broadcast_to shape
numpy Cbrt cbrt
numpy Ceil ceil
numpy Clip clip x_min x_max
numpy Concatenate concatenate axis
numpy Conj conj
numpy Conjugate conjugate
numpy Copy copy
numpy Corrcoef corrcoef
numpy Correlate correlate mode
numpy Cos cos
numpy Cosh cosh
numpy CountNonzero count_nonzero axis
numpy Cross cross axisa axisb axisc axis
numpy Cumprod cumprod axis dtype
numpy Cumsum cumsum axis dtype
numpy Deg2rad deg2rad
numpy Diag diag k
numpy Diagflat diagflat k
numpy Diagonal diagonal offset axis1 axis2
numpy Diff diff n axis
numpy Digitize digitize
numpy Divide divide
numpy DivideNoNan divide_no_nan
numpy Dot dot
numpy Dsplit dsplit indices_or_sections
numpy Dstack dstack
numpy Einsum einsum subscripts
numpy EmptyLike empty_like dtype
numpy Equal equal
numpy Exp exp
numpy Exp2 exp2
numpy ExpandDims expand_dims axis
numpy Expm1 expm1
numpy Fabs fabs
numpy Flip flip axis
numpy Fliplr fliplr
numpy Flipud flipud
numpy Floor floor
numpy FloorDivide floor_divide
numpy Fmax fmax
numpy Fmin fmin
numpy Fmod fmod
numpy Full full shape dtype
numpy FullLike full_like dtype
numpy Gcd gcd
numpy Geomspace geomspace num endpoint dtype axis
numpy GetItem get_item
numpy Greater greater
numpy GreaterEqual greater_equal
numpy Heaviside heaviside
numpy Histogram histogram bins range
numpy Hsplit hsplit indices_or_sections
numpy Hstack hstack
numpy Hypot hypot
numpy I0 i0
numpy Imag imag
numpy Inner inner
numpy IsIn isin assume_unique invert
numpy Isclose isclose equal_nan
numpy Isfinite isfinite
numpy Isinf isinf
numpy Isnan isnan
numpy Isneginf isneginf
numpy Isposinf isposinf
numpy Isreal isreal
numpy Kron kron
numpy Lcm lcm
numpy Ldexp ldexp
numpy LeftShift left_shift
numpy Less less
numpy LessEqual less_equal
numpy Linspace linspace num endpoint retstep dtype axis
numpy Log log
numpy Log10 log10
numpy Log1p log1p
numpy Log2 log2
numpy Logaddexp logaddexp
numpy Logaddexp2 logaddexp2
numpy LogicalAnd logical_and
numpy LogicalNot logical_not
numpy LogicalOr logical_or
numpy LogicalXor logical_xor
numpy Logspace logspace num endpoint base dtype axis
numpy Matmul matmul
numpy Max max axis keepdims initial
numpy Maximum maximum
numpy Mean mean axis keepdims
numpy Median median axis keepdims
numpy Meshgrid meshgrid indexing
numpy Min min axis keepdims initial
numpy Minimum minimum
numpy Mod mod
numpy Moveaxis moveaxis source destination
numpy Multiply multiply
numpy NanToNum nan_to_num nan posinf neginf
numpy Nanargmax nanargmax axis keepdims
numpy Nanargmin nanargmin axis keepdims
numpy Nancumprod nancumprod axis dtype
numpy Nancumsum nancumsum axis dtype
numpy Nanmax nanmax axis keepdims
numpy Nanmean nanmean axis keepdims
numpy Nanmedian nanmedian axis keepdims
numpy Nanmin nanmin axis keepdims
numpy Nanpercentile nanpercentile axis method keepdims
numpy Nanprod nanprod axis keepdims
numpy Nanquantile nanquantile axis method keepdims
numpy Nanstd nanstd axis keepdims
numpy Nansum nansum axis keepdims
numpy Nanvar nanvar axis keepdims
numpy Ndim ndim
numpy Negative negative
numpy Nextafter nextafter
numpy Nonzero nonzero
numpy NotEqual not_equal
numpy OnesLike ones_like dtype
numpy Outer outer
numpy Pad pad pad_width mode
numpy Percentile percentile axis method keepdims
numpy Power power
numpy Prod prod axis keepdims dtype
numpy Ptp ptp axis keepdims
numpy Quantile quantile axis method keepdims
numpy Rad2deg rad2deg
numpy Ravel ravel
numpy Real real
numpy Reciprocal reciprocal
numpy Repeat repeat repeats axis
numpy Reshape reshape newshape
numpy RightShift right_shift
numpy Roll roll shift axis
numpy Rot90 rot90 k axes
numpy Round round decimals
numpy SearchSorted searchsorted side
numpy Select select
numpy Sign sign
numpy Signbit signbit
numpy Sin sin
numpy Sinc sinc
numpy Sinh sinh
numpy Size size
numpy Slogdet slogdet
numpy Sort sort axis
numpy Split split indices_or_sections axis
numpy Sqrt sqrt
numpy Square square
numpy Squeeze squeeze axis
numpy Stack stack axis
numpy Std std axis keepdims
numpy Subtract subtract
numpy Sum sum axis keepdims
numpy Swapaxes swapaxes axis1 axis2
numpy Take take axis
numpy TakeAlongAxis take_along_axis axis
numpy Tan tan
numpy Tanh tanh
numpy Tensordot tensordot axes
numpy Tile tile repeats
numpy Trace trace offset axis1 axis2
numpy Transpose transpose axes
numpy Trapezoid trapezoid x dx axis
numpy Tril tril k
numpy Triu triu k
numpy TrueDivide true_divide
numpy Trunc trunc
numpy Unique unique sorted return_index return_inverse return_counts axis size fill_value
numpy UnravelIndex unravel_index shape
numpy Vander vander N increasing
numpy Var var axis keepdims
numpy Vdot vdot
numpy View view dtype
numpy Vsplit vsplit indices_or_sections
numpy Vstack vstack
numpy Where where
numpy ZerosLike zeros_like dtype
"""


def _read_rows() -> tuple[KerasOperation, ...]:
    rows = []
    for line in _ROWS.replace("\n    ", " ").split("\n"):
        if line:
            module, class_name, function, *options = line.split()
            home = f"keras.src.ops.{module}"
            rows.append(KerasOperation(home, class_name, function, tuple(options)))
    return tuple(rows)


OPERATIONS = _read_rows()
BY_CLASS = {(row.module, row.class_name): row for row in OPERATIONS}
BY_CLASS_ALONE = {row.class_name: row for row in OPERATIONS}
BY_FUNCTION = {row.function.rpartition(".")[2]: row for row in OPERATIONS}
