"""Multicast past the kernel: AF_XDP sockets, their rings, and the program that fills them."""
