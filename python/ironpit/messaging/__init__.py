<<<<<<< HEAD
"""Opens what the ends of a stream need from the host: sockets, certificates, rings."""
=======
"""Opens the ends of streams from addresses and paths, as the configuration gives them."""
>>>>>>> main
