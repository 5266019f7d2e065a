"""The lists that rare orders are in besides their queue."""
