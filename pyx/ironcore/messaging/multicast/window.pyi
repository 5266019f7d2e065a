"""The newest messages of a stream; used through multicast_window.pxd only."""
