"""What PyTorch's classes and functions are, as far as a rule needs to know.

Checked against real torch by :file:`tests/test_torch_facts.py`. Names are separated by spaces; they are those of
``torch.nn``, of ``torch`` and of ``torch.optim.lr_scheduler``, as :mod:`torchlint.model.facts` makes of them. This is data,
as Python since that is read at once.
"""

from __future__ import annotations

# Modules without parameters and buffers whose behaviour is the same in training and in evaluation.
# Everything else in torch.nn is taken to have state. With an argument of STATE_ARGUMENTS they have a buffer.
STATELESS_MODULES = """
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d
    AvgPool1d AvgPool2d AvgPool3d BCELoss BCEWithLogitsLoss CELU CTCLoss ChannelShuffle CircularPad1d CircularPad2d
    CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d CosineEmbeddingLoss CosineSimilarity CrossEntropyLoss
    CrossMapLRN2d ELU Flatten Fold FractionalMaxPool2d FractionalMaxPool3d GELU GLU GaussianNLLLoss Hardshrink
    Hardsigmoid Hardswish Hardtanh HingeEmbeddingLoss HuberLoss Identity KLDivLoss L1Loss LPPool1d LPPool2d LPPool3d
    LeakyReLU LocalResponseNorm LogSigmoid LogSoftmax MSELoss MarginRankingLoss MaxPool1d MaxPool2d MaxPool3d
    MaxUnpool1d MaxUnpool2d MaxUnpool3d Mish MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss
    NLLLoss2d PairwiseDistance PixelShuffle PixelUnshuffle PoissonNLLLoss ReLU ReLU6 ReflectionPad1d ReflectionPad2d
    ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d SELU SiLU Sigmoid SmoothL1Loss SoftMarginLoss
    Softmax Softmax2d Softmin Softplus Softshrink Softsign Tanh Tanhshrink Threshold TripletMarginLoss
    TripletMarginWithDistanceLoss Unflatten Unfold Upsample UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d
    ZeroPad2d ZeroPad3d
"""
# No parameters, but training and evaluation differ.
MODE_DEPENDENT_MODULES = "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout RReLU"
# Modules that hold the modules or Parameters they are given.
CONTAINER_MODULES = "ModuleList ModuleDict ParameterList ParameterDict Sequential"
STATE_ARGUMENTS = "weight pos_weight"

# Without state when the named argument has the given value (written as in the source).
STATELESS_WHEN = {
    "LayerNorm": {"elementwise_affine": "False"},
    "RMSNorm": {"elementwise_affine": "False"},
    "GroupNorm": {"affine": "False"},
}
# Without state unless one of these arguments is given as something else than False.
STATELESS_UNLESS = {
    "InstanceNorm1d": ["affine", "track_running_stats"],
    "InstanceNorm2d": ["affine", "track_running_stats"],
    "InstanceNorm3d": ["affine", "track_running_stats"],
}

# torch.<name>(...) that makes a tensor from nothing but sizes, numbers or data on the host.
TENSOR_FACTORIES = """
    arange as_tensor empty eye from_numpy full linspace logspace normal ones rand randint randn randperm tensor
    zeros Tensor FloatTensor DoubleTensor HalfTensor BFloat16Tensor LongTensor IntTensor ShortTensor ByteTensor
    BoolTensor hann_window hamming_window kaiser_window bartlett_window blackman_window tril_indices triu_indices
    sparse_coo_tensor sparse_csr_tensor complex
"""
# torch.<name>(tensor, ...) whose result is a tensor made of its arguments.
TENSOR_OPERATIONS = """
    abs add argsort atan2 bmm broadcast_to cartesian_prod cat ceil chunk clamp clone concat concatenate cos cross
    cummax cumprod cumsum diag diag_embed div dot einsum empty_like exp expand_copy fft flatten flip floor full_like
    gather hstack index_select inverse kron log log10 log2 log_softmax logical_not masked_select matmul max maximum
    mean meshgrid min minimum mm mul neg ones_like outer permute pow rand_like randn_like reciprocal relu
    repeat_interleave reshape roll round rsqrt scatter sigmoid sign sin softmax split sqrt square squeeze stack std
    sub sum swapaxes t take tanh tensordot tile topk transpose tril triu true_divide unbind unique unsqueeze var
    view_as_complex view_as_real vstack where zeros_like
"""
# Methods that do not return a tensor.
LEAVING_METHODS = """
    item tolist numpy size dim ndimension numel nelement stride type is_cuda get_device data_ptr element_size
    backward register_hook storage untyped_storage is_contiguous is_floating_point is_complex share_memory_ equal
    allclose
"""
# Attributes that are tensors too.
TENSOR_ATTRIBUTES = "T mT H mH data real imag grad"
# Methods of a module that return the module itself.
MODULE_FLUENT_METHODS = """
    to cuda cpu float half double bfloat16 type train eval requires_grad_ apply share_memory to_empty xpu npu ipu
"""
# Methods that move or cast a tensor: the result is another tensor unless nothing changes.
CASTS = "to cuda cpu float half double bfloat16 int long type type_as"

# Functions that return the module they are given, changed in place.
PASSTHROUGH = """
    copy.copy copy.deepcopy torch.compile torch.jit.script torch.jit.trace torch.nn.utils.spectral_norm
    torch.nn.utils.weight_norm torch.nn.utils.parametrizations.orthogonal
    torch.nn.utils.parametrizations.spectral_norm torch.nn.utils.parametrizations.weight_norm
    torch.nn.utils.remove_spectral_norm torch.nn.utils.remove_weight_norm torch.nn.utils.fusion.fuse_conv_bn_eval
    torch.quantization.fuse_modules torch.nn.DataParallel torch.nn.parallel.DistributedDataParallel
    torch.nn.parallel.DataParallel
"""

# Schedulers whose arguments are commonly counted in epochs, and the arguments that are counts of steps.
EPOCH_SCHEDULERS = {
    "StepLR": ["step_size"],
    "MultiStepLR": ["milestones"],
    "ExponentialLR": [],
    "CosineAnnealingLR": ["T_max"],
    "ReduceLROnPlateau": ["patience"],
}

# Schedulers whose `get_lr()` computes the next rate from the present one, so that it is wrong outside of `step()`.
RECURSIVE_SCHEDULERS = """
    StepLR MultiStepLR ExponentialLR CosineAnnealingLR MultiplicativeLR ConstantLR LinearLR PolynomialLR
"""
