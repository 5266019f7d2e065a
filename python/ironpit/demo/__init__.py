"""The main job from end to end, on a venue of its own."""
