"""L3: members' sessions: their connections, replies and orders. A protocol is a room inside."""
