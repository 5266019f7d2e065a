"""L5: the venue in a simulated world: network, disk and time from one seed."""
