"""What is known about names of torch and of third-party packages without reading them.

In patterns ``*`` stands for part of one component, ``**`` for anything, ``[A-Z]`` for one of these characters, and
``{a,b}`` for either word.
The facts about torch were read off torch 2.13, those about transformers 5.23, timm 1.0.31, torchvision 0.29,
torch_geometric 2.8 and diffusers 0.42 were checked against these packages, the others against their documentation.

This is data, as Python since that is read at once: a TOML file takes longer than the rest of a small check.
"""

from __future__ import annotations

from torchlint.record import Record


class Row(Record):
    """The patterns of some names, separated by spaces, and of those that do not count."""

    names: str
    unless: str = ""
    canonical: str | None = None
    lightning: bool = False


# Packages that are never read: compiled, huge, or without a Module of torch that anyone derives from.
TERMINAL = """
    torch numpy scipy pandas sklearn matplotlib PIL cv2 sympy networkx numba tensorflow keras jax jaxlib flax haiku
    optax equinox mxnet paddle mindspore oneflow jittor tinygrad mlx candle cupy triton tqdm yaml requests pytest
"""

# Packages (besides the standard library) in which nothing is a Module, or is called like one of torch.
PLAIN = """
    numpy scipy pandas sklearn matplotlib pylab PIL cv2 sympy networkx numba typing_extensions six setuptools
    pydantic attr attrs tqdm absl omegaconf pytest
"""

# ---------------------------------------------------------------------------------------------- torch

# Names that begin with a capital letter live in the public package on the right.
TORCH_CLASSES = {
    "torch.nn.modules": "torch.nn",
    "torch.nn.modules.*": "torch.nn",
    "torch.nn.parallel.data_parallel": "torch.nn",
    "torch.nn.parallel.distributed": "torch.nn.parallel",
    "torch.optim.adadelta": "torch.optim",
    "torch.optim.adafactor": "torch.optim",
    "torch.optim._adafactor": "torch.optim",
    "torch.optim.adagrad": "torch.optim",
    "torch.optim.adam": "torch.optim",
    "torch.optim.adamax": "torch.optim",
    "torch.optim.adamw": "torch.optim",
    "torch.optim.asgd": "torch.optim",
    "torch.optim.lbfgs": "torch.optim",
    "torch.optim._muon": "torch.optim",
    "torch.optim.nadam": "torch.optim",
    "torch.optim.optimizer": "torch.optim",
    "torch.optim.radam": "torch.optim",
    "torch.optim.rmsprop": "torch.optim",
    "torch.optim.rprop": "torch.optim",
    "torch.optim.sgd": "torch.optim",
    "torch.optim.sparse_adam": "torch.optim",
    "torch.distributions.*": "torch.distributions",
    "torch.distributed.fsdp.fully_sharded_data_parallel": "torch.distributed.fsdp",
    "torch.fx.graph_module": "torch.fx",
    "torch.jit._script": "torch.jit",
    "torch.jit._trace": "torch.jit",
    "torch.amp.grad_scaler": "torch.amp",
    "torch.cuda.amp.grad_scaler": "torch.cuda.amp",
}

# Every public name lives in the package on the right.
TORCH_NAMES = {
    "torch.functional": "torch",
    "torch.random": "torch",
    "torch.serialization": "torch",
    "torch._tensor": "torch",
    "torch._lowrank": "torch",
    "torch.nn.parameter": "torch.nn",
    "torch.nn.utils.clip_grad": "torch.nn.utils",
    "torch.nn.utils.convert_parameters": "torch.nn.utils",
    "torch.nn.utils.fusion": "torch.nn.utils",
    "torch.nn.utils.spectral_norm": "torch.nn.utils",
    "torch.nn.utils.weight_norm": "torch.nn.utils",
    "torch.autograd.function": "torch.autograd",
    "torch.autograd.gradcheck": "torch.autograd",
    "torch.autograd.grad_mode": "torch",
    "torch.autograd.variable": "torch.autograd",
    "torch.amp.autocast_mode": "torch.amp",
    "torch.cuda.amp.autocast_mode": "torch.cuda.amp",
    "torch.cuda.random": "torch.cuda",
    "torch.cuda.memory": "torch.cuda",
    "torch.cuda.streams": "torch.cuda",
    "torch.utils.data.dataloader": "torch.utils.data",
    "torch.utils.data.dataset": "torch.utils.data",
    "torch.utils.data.distributed": "torch.utils.data",
    "torch.utils.data.sampler": "torch.utils.data",
    "torch.utils.data._utils.collate": "torch.utils.data",
}

# Single names with several spellings.
TORCH_SAME = {
    "torch.tensor.Tensor": "torch.Tensor",
    "torch.nn.parallel.DataParallel": "torch.nn.DataParallel",
    "torch.autograd.no_grad": "torch.no_grad",
    "torch.autograd.enable_grad": "torch.enable_grad",
    "torch.autograd.inference_mode": "torch.inference_mode",
    "torch.autograd.set_grad_enabled": "torch.set_grad_enabled",
    "torch.amp.autocast": "torch.autocast",
    "torch.GradScaler": "torch.amp.GradScaler",
}

# What `from torch.nn import *` binds besides submodules.
TORCH_STAR = {
    "torch.nn": """
        AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveLogSoftmaxWithLoss AdaptiveMaxPool1d
        AdaptiveMaxPool2d AdaptiveMaxPool3d AlphaDropout AvgPool1d AvgPool2d AvgPool3d BCELoss BCEWithLogitsLoss
        BatchNorm1d BatchNorm2d BatchNorm3d Bilinear Buffer CELU CTCLoss ChannelShuffle CircularPad1d CircularPad2d
        CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d Container Conv1d Conv2d Conv3d ConvTranspose1d
        ConvTranspose2d ConvTranspose3d CosineEmbeddingLoss CosineSimilarity CrossEntropyLoss CrossMapLRN2d
        DataParallel Dropout Dropout1d Dropout2d Dropout3d ELU Embedding EmbeddingBag FeatureAlphaDropout Flatten
        Fold FractionalMaxPool2d FractionalMaxPool3d GELU GLU GRU GRUCell GaussianNLLLoss GroupNorm Hardshrink
        Hardsigmoid Hardswish Hardtanh HingeEmbeddingLoss HuberLoss Identity InstanceNorm1d InstanceNorm2d
        InstanceNorm3d KLDivLoss L1Loss LPPool1d LPPool2d LPPool3d LSTM LSTMCell LayerNorm LazyBatchNorm1d
        LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d
        LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d LazyLinear LeakyReLU Linear
        LinearCrossEntropyLoss LocalResponseNorm LogSigmoid LogSoftmax MSELoss MarginRankingLoss MaxPool1d MaxPool2d
        MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d Mish Module ModuleDict ModuleList MultiLabelMarginLoss
        MultiLabelSoftMarginLoss MultiMarginLoss MultiheadAttention NLLLoss NLLLoss2d PReLU PairwiseDistance
        Parameter ParameterDict ParameterList PixelShuffle PixelUnshuffle PoissonNLLLoss RMSNorm RNN RNNBase RNNCell
        RNNCellBase RReLU ReLU ReLU6 ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d
        ReplicationPad2d ReplicationPad3d SELU Sequential SiLU Sigmoid SmoothL1Loss SoftMarginLoss Softmax Softmax2d
        Softmin Softplus Softshrink Softsign SyncBatchNorm Tanh Tanhshrink Threshold Transformer TransformerDecoder
        TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer TripletMarginLoss
        TripletMarginWithDistanceLoss Unflatten Unfold UninitializedBuffer UninitializedParameter Upsample
        UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d ZeroPad2d ZeroPad3d attention functional init parallel
        quantized utils
    """,
}

# --------------------------------------------------------------------------------------- Module bases

BASES = (
    Row(
        """
            torch.nn.[A-Z]* torch.nn.modules.*._[A-Z]* torch.nn.parallel.DistributedDataParallel
            torch.nn.utils.parametrize.ParametrizationList
            torch.nn.utils.parametrizations.{_Orthogonal,_SpectralNorm,_WeightNorm} torch.nn.quantized.**.[A-Z]*
            torch.nn.quantized.[A-Z]* torch.nn.qat.**.[A-Z]* torch.nn.qat.[A-Z]* torch.nn.intrinsic.**.[A-Z]*
            torch.nn.intrinsic.[A-Z]* torch.ao.nn.**.[A-Z]* torch.ao.quantization.observer.*Observer
            torch.ao.quantization.*Observer torch.quantization.observer.*Observer torch.quantization.*Observer
            torch.ao.quantization.**FakeQuantize torch.quantization.**FakeQuantize torch.ao.quantization.**QuantStub
            torch.quantization.**QuantStub torch.ao.quantization.**QuantWrapper torch.quantization.**QuantWrapper
            torch.distributed.fsdp.FullyShardedDataParallel torch.distributed.nn.RemoteModule
            torch.export.UnflattenedModule torch.fx.GraphModule torch.jit.ScriptModule
            torch.jit.RecursiveScriptModule torch.jit.TracedModule torch.jit.TopLevelTracedModule
            torch.optim.swa_utils.AveragedModel
        """,
        unless="""
            torch.nn.Parameter torch.nn.Buffer torch.nn.Uninitialized* torch.nn.LinearCrossEntropyOptions
            torch.nn.modules._* torch.nn.modules.adaptive._* torch.nn.modules.conv._LazyConvXdMixin
            torch.nn.modules.lazy.* torch.nn.LazyModuleMixin torch.nn.modules.module.*
            torch.nn.modules.linear_cross_entropy*.* torch.ao.nn.**Pattern
        """,
    ),
    Row(
        """
            lightning.LightningModule lightning.pytorch.LightningModule lightning.pytorch.core.LightningModule
            lightning.pytorch.core.*.LightningModule pytorch_lightning.LightningModule
            pytorch_lightning.core.LightningModule pytorch_lightning.core.*.LightningModule
            pytorch_lightning.root_module.root_module.LightningModule
        """,
        canonical="lightning.pytorch.LightningModule",
        lightning=True,
    ),
    # Fabric wraps models and the optimizers around them; only the model's wrapper is a Module.
    Row(
        """
            lightning.fabric.wrappers._FabricModule
            lightning.fabric.utilities.device_dtype_mixin._DeviceDtypeModuleMixin
            lightning_fabric.wrappers._FabricModule
        """,
    ),
    # Every class of 5.23 that these patterns match, 2,590 names, is a Module; outputs, mixins and collators are not.
    Row(
        """
            transformers.{*PreTrainedModel,*Model} transformers.**.modeling_*.{*PreTrainedModel,*Model}
            transformers.modeling_*.{*PreTrainedModel,*Model}
            transformers.*For{CausalLM,ConditionalGeneration,SequenceClassification,TokenClassification}
            transformers.*For{QuestionAnswering,MaskedLM,ImageClassification,MultipleChoice,ObjectDetection,PreTraining}
            transformers.*For{CTC,AudioClassification,SemanticSegmentation,NextSentencePrediction,DepthEstimation}
            transformers.**.modeling_*.*For{CausalLM,ConditionalGeneration,SequenceClassification,TokenClassification}
            transformers.**.modeling_*.*For{QuestionAnswering,MaskedLM,ImageClassification,MultipleChoice,ObjectDetection}
            transformers.modeling_*.*For{SequenceClassification,TokenClassification,QuestionAnswering,MaskedLM,PreTraining}
            transformers{.models.bert,}.modeling_bert.Bert{Embeddings,SelfAttention,SelfOutput,Attention,Layer,Encoder}
            transformers{.models.bert,}.modeling_bert.Bert{Intermediate,Output,Pooler,PredictionHeadTransform}
            transformers{.models.bert,}.modeling_bert.Bert{LMPredictionHead,OnlyMLMHead,PreTrainingHeads}
            transformers{.models.roberta,}.modeling_roberta.Roberta{Embeddings,Encoder,Layer,LMHead,ClassificationHead}
        """,
        unless="""
            transformers.**{TF,Flax,Auto,Generic,DataCollator}[A-Z]* transformers.**{ONNX,Onnx}*
            transformers.AnyModel transformers.modeling_layers.*
        """,
    ),
    Row(
        """
            diffusers.ModelMixin diffusers.models.ModelMixin diffusers.models.modeling_utils.ModelMixin
            diffusers.{UNet,Transformer,Autoencoder,ControlNet}*Model diffusers.models.*.{UNet,Transformer}*Model
        """,
    ),
    Row(
        """
            torch_geometric.nn.MessagePassing
            torch_geometric.nn.conv.{MessagePassing,message_passing.MessagePassing} torch_geometric.nn.*Conv
            torch_geometric.nn.conv.*Conv torch_geometric.nn.conv.*.*Conv
            torch_geometric.nn.{Sequential,Linear,HeteroLinear}
        """,
    ),
    Row(
        """
            timm.layers.[A-Z]* timm.loss.[A-Z]*
            timm.models.layers.{DropPath,Mlp,PatchEmbed,ClassifierHead,LayerNorm2d,SqueezeExcite,ConvNormAct,ConvBnAct}
            timm.models.{VisionTransformer,SwinTransformer,ResNet,EfficientNet,ConvNeXt,ByobNet,RegNet,NormFreeNet}
            timm.models.vision_transformer.{VisionTransformer,Block,Attention,Mlp,PatchEmbed,LayerScale,HybridEmbed,DropPath}
            timm.models.swin_transformer.{SwinTransformer,SwinTransformerBlock,WindowAttention,PatchMerging,PatchEmbed}
            timm.models.resnet.{ResNet,Bottleneck,BasicBlock}
            timm.models.efficientnet.{EfficientNet,EfficientNetFeatures}
            timm.models.convnext.{ConvNeXt,ConvNeXtBlock,ConvNeXtStage}
        """,
        unless="timm.layers.{Format,RegularGridInterpolator,*Type,*AutoFn} timm.**Cfg",
    ),
    Row(
        """
            torchvision.models.{AlexNet,ConvNeXt,DenseNet,EfficientNet,GoogLeNet,Inception3,MaxVit,MNASNet,MobileNetV2}
            torchvision.models.{MobileNetV3,RegNet,ResNet,ShuffleNetV2,SqueezeNet,SwinTransformer,VGG,VisionTransformer}
            torchvision.models.resnet.{BasicBlock,Bottleneck,ResNet}
            torchvision.models.{vgg.VGG,alexnet.AlexNet,densenet.DenseNet,googlenet.GoogLeNet,inception.Inception3}
            torchvision.models.densenet.{_DenseLayer,_DenseBlock,_Transition}
            torchvision.models.{efficientnet.EfficientNet,squeezenet.SqueezeNet,mnasnet.MNASNet}
            torchvision.models.mobilenetv2.{MobileNetV2,InvertedResidual,ConvBNReLU}
            torchvision.models.{mobilenet.MobileNetV2,mobilenetv3.MobileNetV3,shufflenetv2.ShuffleNetV2}
            torchvision.models.convnext.{ConvNeXt,CNBlock,LayerNorm2d}
            torchvision.models.swin_transformer.{SwinTransformer,SwinTransformerBlock,PatchMerging,ShiftedWindowAttention}
            torchvision.models.vision_transformer.{VisionTransformer,Encoder,EncoderBlock,MLPBlock}
            torchvision.models._utils.IntermediateLayerGetter
            torchvision.models.detection.{FasterRCNN,MaskRCNN,KeypointRCNN,RetinaNet,FCOS}
            torchvision.models.detection.faster_rcnn.{FasterRCNN,FastRCNNPredictor,TwoMLPHead}
            torchvision.models.detection.{mask_rcnn.MaskRCNN,keypoint_rcnn.KeypointRCNN,generalized_rcnn.GeneralizedRCNN}
            torchvision.models.detection.{mask_rcnn.MaskRCNNPredictor,keypoint_rcnn.KeypointRCNNPredictor}
            torchvision.models.detection.{retinanet.RetinaNet,retinanet.RetinaNetHead,ssd.SSD,fcos.FCOS,roi_heads.RoIHeads}
            torchvision.models.detection.{rpn.AnchorGenerator,rpn.RPNHead,rpn.RegionProposalNetwork}
            torchvision.models.detection.{anchor_utils.AnchorGenerator,transform.GeneralizedRCNNTransform}
            torchvision.models.segmentation.{DeepLabV3,FCN,LRASPP}
            torchvision.models.segmentation.deeplabv3.{DeepLabV3,DeepLabHead,ASPP,ASPPConv,ASPPPooling}
            torchvision.models.segmentation.{fcn.FCN,fcn.FCNHead,_utils._SimpleSegmentationModel}
            torchvision.models.video.{VideoResNet,S3D,MViT,SwinTransformer3d}
            torchvision.models.video.resnet.{VideoResNet,BasicBlock,Bottleneck,BasicStem,Conv3DSimple,Conv2Plus1D}
            torchvision.ops.{DeformConv2d,DropBlock2d,DropBlock3d,FeaturePyramidNetwork,Conv2dNormActivation,MLP,Permute}
            torchvision.ops.{Conv3dNormActivation,FrozenBatchNorm2d,SqueezeExcitation,MultiScaleRoIAlign,PSRoIAlign}
            torchvision.ops.{PSRoIPool,RoIAlign,RoIPool,StochasticDepth}
            torchvision.ops.misc.{FrozenBatchNorm2d,ConvNormActivation,Conv2dNormActivation,SqueezeExcitation,MLP,Permute}
            torchvision.transforms.v2.{Transform,Compose}
        """,
    ),
    Row(
        "torchmetrics.Metric torchmetrics.metric.Metric torchmetrics.MetricCollection",
    ),
    Row(
        """
            gpytorch.Module gpytorch.module.Module gpytorch.models.GP gpytorch.models.gp.GP gpytorch.models.ExactGP
            gpytorch.models.exact_gp.ExactGP gpytorch.models.ApproximateGP
            gpytorch.models.approximate_gp.ApproximateGP gpytorch.models.AbstractVariationalGP
            gpytorch.models.PyroGP gpytorch.models.IndependentModelList gpytorch.models.deep_gps.*
            gpytorch.kernels.*Kernel gpytorch.kernels.*.*Kernel gpytorch.means.*Mean gpytorch.means.*.*Mean
            gpytorch.likelihoods.*Likelihood gpytorch.likelihoods.*.*Likelihood gpytorch.mlls.*MarginalLogLikelihood
            gpytorch.mlls.*.*MarginalLogLikelihood gpytorch.mlls.*ELBO gpytorch.priors.*Prior
            gpytorch.priors.*.*Prior gpytorch.constraints.[A-Z]* gpytorch.constraints.constraints.[A-Z]*
            gpytorch.variational.*Strategy gpytorch.variational.*Distribution
        """,
    ),
    Row(
        """
            pyro.nn.PyroModule pyro.nn.module.PyroModule pyro.nn.DenseNN pyro.nn.AutoRegressiveNN
            pyro.contrib.gp.parameterized.Parameterized pyro.contrib.gp.models.* pyro.infer.autoguide.Auto[A-Z]*
        """,
    ),
    Row(
        """
            fairseq.models.BaseFairseqModel fairseq.models.FairseqModel fairseq.models.FairseqMultiModel
            fairseq.models.FairseqEncoder fairseq.models.FairseqDecoder fairseq.models.FairseqIncrementalDecoder
            fairseq.models.FairseqEncoderModel fairseq.models.FairseqEncoderDecoderModel
            fairseq.models.FairseqLanguageModel fairseq.models.CompositeEncoder
            fairseq.models.fairseq_encoder.FairseqEncoder fairseq.models.fairseq_decoder.FairseqDecoder
            fairseq.models.fairseq_incremental_decoder.FairseqIncrementalDecoder fairseq.models.fairseq_model.*Model
            fairseq.models.transformer.Transformer*Model fairseq.models.transformer.Transformer*Encoder
            fairseq.models.transformer.Transformer*Decoder fairseq.models.roberta.RobertaModel
            fairseq.models.wav2vec.Wav2Vec*Model fairseq.modules.Transformer*Layer
            fairseq.modules.MultiheadAttention fairseq.criterions.FairseqCriterion
            fairseq.criterions.LegacyFairseqCriterion fairseq.criterions.fairseq_criterion.*FairseqCriterion
        """,
    ),
    Row(
        """
            mmcv.runner.BaseModule mmcv.runner.base_module.BaseModule mmengine.model.BaseModule
            mmengine.model.base_module.BaseModule mmengine.model.BaseModel mmengine.model.base_model.BaseModel
            mmengine.model.base_model.base_model.BaseModel mmengine.model.BaseDataPreprocessor
            mmengine.model.ImgDataPreprocessor mmengine.model.Sequential mmengine.model.ModuleList
            mmcv.runner.Sequential mmcv.runner.ModuleList mmcv.cnn.ConvModule
        """,
    ),
    Row(
        """
            detectron2.modeling.Backbone detectron2.modeling.backbone.Backbone
            detectron2.modeling.backbone.backbone.Backbone detectron2.modeling.GeneralizedRCNN
            detectron2.modeling.meta_arch.GeneralizedRCNN detectron2.modeling.StandardROIHeads
            detectron2.modeling.ROIHeads detectron2.modeling.roi_heads.ROIHeads
            detectron2.modeling.roi_heads.StandardROIHeads detectron2.layers.CNNBlockBase detectron2.layers.Conv2d
        """,
    ),
    Row(
        """
            segmentation_models_pytorch.base.SegmentationModel
            segmentation_models_pytorch.base.model.SegmentationModel
            segmentation_models_pytorch.base.ClassificationHead segmentation_models_pytorch.base.SegmentationHead
            segmentation_models_pytorch.Unet segmentation_models_pytorch.UnetPlusPlus
            segmentation_models_pytorch.FPN segmentation_models_pytorch.DeepLabV3
            segmentation_models_pytorch.DeepLabV3Plus segmentation_models_pytorch.Linknet
            segmentation_models_pytorch.PSPNet segmentation_models_pytorch.PAN
        """,
    ),
    Row(
        """
            stable_baselines3.common.torch_layers.BaseFeaturesExtractor
            stable_baselines3.common.torch_layers.NatureCNN stable_baselines3.common.torch_layers.CombinedExtractor
            stable_baselines3.common.torch_layers.FlattenExtractor
            stable_baselines3.common.torch_layers.MlpExtractor stable_baselines3.common.policies.BaseModel
            stable_baselines3.common.policies.BasePolicy stable_baselines3.common.policies.ActorCritic*Policy
            stable_baselines3.common.policies.ContinuousCritic stable_baselines3.*.policies.*Policy
        """,
    ),
    Row(
        "ray.rllib.models.torch.misc.SlimFC ray.rllib.models.torch.misc.SlimConv2d",
    ),
    Row(
        """
            escnn.nn.EquivariantModule e2cnn.nn.EquivariantModule escnn.nn.R2Conv e2cnn.nn.R2Conv
            escnn.nn.SequentialModule e2cnn.nn.SequentialModule
        """,
    ),
    Row(
        """
            botorch.models.model.Model botorch.models.Model botorch.models.SingleTaskGP
            botorch.models.gp_regression.SingleTaskGP botorch.models.model.ModelList botorch.models.ModelListGP
            botorch.acquisition.AcquisitionFunction botorch.acquisition.acquisition.AcquisitionFunction
            botorch.acquisition.analytic.AnalyticAcquisitionFunction botorch.acquisition.AnalyticAcquisitionFunction
            botorch.acquisition.monte_carlo.MCAcquisitionFunction botorch.acquisition.MCAcquisitionFunction
            botorch.models.transforms.outcome.OutcomeTransform
        """,
    ),
    Row(
        """
            sentence_transformers.SentenceTransformer sentence_transformers.models.[A-Z]*
            sentence_transformers.losses.[A-Z]*
        """,
        unless="""
            sentence_transformers.**Dataset sentence_transformers.losses.BatchHardTripletLossDistanceFunction
            sentence_transformers.losses.*Metric sentence_transformers.models.tokenizer.**
        """,
    ),
    Row(
        """
            allennlp.models.Model allennlp.models.model.Model allennlp.modules.*Encoder allennlp.modules.*.*Encoder
            allennlp.modules.*Embedder allennlp.modules.*.*Embedder allennlp.modules.*Attention
            allennlp.modules.*.*Attention allennlp.modules.FeedForward allennlp.modules.feedforward.FeedForward
        """,
    ),
    Row(
        """
            speechbrain.lobes.models.**.[A-Z]* speechbrain.nnet.containers.Sequential
            speechbrain.nnet.containers.ModuleList speechbrain.nnet.CNN.*Conv* speechbrain.nnet.linear.Linear
        """,
        unless="speechbrain.**Output* speechbrain.**Config*",
    ),
    Row(
        """
            monai.networks.nets.[A-Z]* monai.networks.blocks.[A-Z]* monai.networks.layers.DropPath
            monai.losses.*Loss
        """,
        unless="""
            monai.networks.blocks.BaseEncoder monai.networks.nets.{BlockArgs,FlexUNetEncoderRegister,*Type}
        """,
    ),
    Row(
        """
            kornia.augmentation.AugmentationBase2D kornia.augmentation.IntensityAugmentationBase2D
            kornia.augmentation.GeometricAugmentationBase2D
            kornia.augmentation._2d.intensity.base.IntensityAugmentationBase2D
            kornia.augmentation._2d.geometric.base.GeometricAugmentationBase2D kornia.core.Module
            kornia.core.ImageModule
        """,
    ),
    Row(
        """
            dgl.nn.GraphConv dgl.nn.GATConv dgl.nn.SAGEConv dgl.nn.pytorch.*Conv dgl.nn.pytorch.conv.*Conv
            dgl.nn.pytorch.*.*Conv
        """,
    ),
    Row(
        """
            open_clip.CLIP open_clip.CoCa open_clip.model.CLIP pytorch_metric_learning.losses.*Loss
            pytorch_metric_learning.losses.base_metric_loss_function.BaseMetricLossFunction
            fairscale.nn.FullyShardedDataParallel apex.normalization.Fused*Norm
            apex.parallel.DistributedDataParallel apex.parallel.SyncBatchNorm spconv.pytorch.SparseModule
            spconv.pytorch.modules.SparseModule spconv.pytorch.SparseSequential MinkowskiEngine.MinkowskiNetwork
            e3nn.nn.FullyConnectedNet bitsandbytes.nn.Linear* deepspeed.DeepSpeedEngine
            deepspeed.pipe.PipelineModule avalanche.models.*Module peft.PeftModel*
            peft.tuners.tuners_utils.BaseTuner* trl.PreTrainedModelWrapper trl.AutoModelForCausalLMWithValueHead
        """,
    ),
)

# Classes that are no Modules. Knowing what is commonly imported next to the models spares a search through hundreds
# of files.
OTHERS = (
    Row(
        """
            lightning.**.LightningDataModule pytorch_lightning.**LightningDataModule lightning.LightningDataModule
            lightning.**Callback pytorch_lightning.**Callback lightning.**Trainer pytorch_lightning.**Trainer
        """,
    ),
    Row(
        """
            transformers.*{Config,Tokenizer,TokenizerFast,Processor,ImageProcessor,FeatureExtractor,Output,Pipeline}
            transformers.{Trainer,Seq2SeqTrainer,TrainingArguments,Seq2SeqTrainingArguments,HfArgumentParser,pipeline}
            transformers.{DataCollator*,TrainerCallback,EarlyStoppingCallback,StoppingCriteria,LogitsProcessor*}
        """,
    ),
)
