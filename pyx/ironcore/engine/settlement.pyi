"""What follows from a command once it is done: stops that it triggered, pegs that follow."""
