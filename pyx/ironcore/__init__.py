"""The compiled data plane. Layers: base; wire, ring, net; book, risk, messaging; stage; runtime."""
