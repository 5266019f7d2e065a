"""Datagrams received many at a time; used through datagrams.pxd only."""
