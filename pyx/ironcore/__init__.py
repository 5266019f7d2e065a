"""ironcore: ironpit's compiled data plane. Layers: base, wire/ring/net, book/risk, stage, runtime."""
