"""The price of an auction, from what is in the book."""
