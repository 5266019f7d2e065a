"""L3: members' sessions: their connections, orders and replies, in no protocol's words.

What a protocol is to them is `protocol.pxd`. A protocol is a room inside, which alone knows its
codecs, and no protocol's room knows another's.
"""
