"""The network: backbone, dense layers, augmentation."""
