"""What an order must satisfy before it may touch a book."""
