"""L2: streams of sequenced frames over shared memory, multicast and TCP, behind one interface."""
