"""Answers to re-requests; used through multicast_rerequests.pxd only."""
