"""What the readers of a TCP publication are sent; used through sending.pxd."""
