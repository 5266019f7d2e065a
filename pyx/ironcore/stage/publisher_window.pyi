"""The publisher's window of recent messages; used through publisher_window.pxd only."""
