"""The newest messages of a stream; used through window.pxd only."""
