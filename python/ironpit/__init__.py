"""ironpit: an exchange runtime. The control plane; the data plane is ironcore."""

__version__ = "0.1.0"
