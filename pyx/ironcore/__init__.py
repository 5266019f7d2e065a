"""The compiled data plane of ironpit. Layers: base; wire, ring, net; book, risk; stage; runtime."""
