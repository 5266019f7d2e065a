"""The newest packets of a stream, in one buffer for all readers; used through window.pxd."""
