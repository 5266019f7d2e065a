"""Opens what the ends of a stream need from the host: sockets, certificates, rings."""
