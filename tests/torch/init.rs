//! Initial weights against the distributions of torchvision's ResNet and of PyTorch's defaults.
