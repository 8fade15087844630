"""Backbones: networks that map a patient's input to features, for every data kind."""

from cohortsmith.ssl_models.backbones.base import Backbone
from cohortsmith.ssl_models.backbones.batched_forward import AT_ONCE, through
from cohortsmith.ssl_models.backbones.fixed_encoder import FixedEncoder
from cohortsmith.ssl_models.backbones.images import ResNet18, ResNet34, SmallCNN, Vit, unfused_attention
from cohortsmith.ssl_models.backbones.mlp import Perceptron, dense
from cohortsmith.ssl_models.backbones.sequences import CausalTransformer, Convolution, SequenceBackbone, Transformer
from cohortsmith.ssl_models.backbones.torchvision_ops import allow_torchvision

__all__ = [
    "AT_ONCE",
    "Backbone",
    "CausalTransformer",
    "Convolution",
    "FixedEncoder",
    "Perceptron",
    "ResNet18",
    "ResNet34",
    "SequenceBackbone",
    "SmallCNN",
    "Transformer",
    "Vit",
    "allow_torchvision",
    "dense",
    "unfused_attention",
    "through",
]
