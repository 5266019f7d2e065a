"""What a setting is, and how it is inspected and judged."""
