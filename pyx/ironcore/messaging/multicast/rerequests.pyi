"""Answers to re-requests; used through rerequests.pxd only."""
