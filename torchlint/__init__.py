"""torchlint finds the PyTorch bugs that train without an error."""

__version__ = "0.1.0"
