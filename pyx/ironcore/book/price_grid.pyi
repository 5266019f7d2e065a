"""An instrument's prices: the multiples of its tick size, or of several by price."""
