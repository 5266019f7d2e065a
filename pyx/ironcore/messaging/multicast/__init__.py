"""A stream as MoldUDP64 over two groups, with gap fill: the publication and the subscription."""
