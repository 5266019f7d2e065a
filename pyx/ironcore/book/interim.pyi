"""What instruments and auctions need of the order path."""
