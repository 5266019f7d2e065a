"""What a benchmark says of a figure that it measured in several rounds."""

import statistics


def spread(values: list[float]) -> dict[str, float]:
    """Lowest, median and highest, to three places."""
    return {
        "min": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "max": round(max(values), 3),
    }
