"""The compiled data plane. docs/ARCHITECTURE.md has its rooms and layers."""
