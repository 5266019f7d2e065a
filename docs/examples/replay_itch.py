# %% [markdown]
# # A recorded day through the matching core, and the depth that it leaves
#
#     pip install "ironpit[examples]"
#     python docs/examples/replay_itch.py DAY.itch [IMAGE.png]
#
# An ITCH 5.0 file becomes the orders that its members must have sent, as one numpy array; one call
# applies all of them; the events and the depth are numpy arrays again. The cells (`# %%`) can be
# run one after the other in an editor that knows them, or the whole file as a script.

# %% What it works with
import sys
import time
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from ironpit.flow import FlowError, from_itch
from ironpit.library import EventType
from ironpit.library.flows import rows_of, venue_of

if not 2 <= len(sys.argv) <= 3:
    sys.exit("usage: replay_itch.py DAY.itch [IMAGE.png]")
DAY = Path(sys.argv[1])
IMAGE = Path(sys.argv[2] if len(sys.argv) == 3 else "depth.png")
SAMPLES = 400  # of the depth over time
PRICE_STEPS = 160  # of the picture
LEVELS_MAX = 10_000

# %% The file as commands: COMMAND_DTYPE[n], sent by two members
try:
    flow = from_itch(DAY, sessions_count=2)
except OSError as error:
    sys.exit(f"replay_itch.py: {DAY}: {error.strerror}")
except FlowError as error:
    sys.exit(f"replay_itch.py: {error}")
if len(flow.operations) == 0:
    sys.exit(f"replay_itch.py: {DAY}: found no orders, expected some")
rows = rows_of(flow)
hours = flow.operations["time_ns"] / 3.6e12
symbol = 0  # the first one of the file
UNIT = 10**flow.decimals.price  # prices are integers of the last decimal

# %% One call: all commands in, all events out
venue = venue_of(flow)
started_ns = time.perf_counter_ns()
applied = venue.apply(rows)
elapsed_ms = (time.perf_counter_ns() - started_ns) / 1e6
executed = applied.events["type"] == EventType.EXECUTED
executed &= applied.instruments[applied.commands()] == symbol
trades = applied.events[executed]
trade_hours = hours[applied.commands()[executed]]
print(
    f"{DAY.name}: {len(rows):,} commands, {len(applied.events):,} events, {len(trades):,} trades "
    f"of {flow.symbols[symbol]} in {elapsed_ms:.1f} ms"
)

# %% The depth over time: the same commands in slices, with a look at the book after each
ends = np.searchsorted(hours, np.linspace(hours[0], hours[-1], SAMPLES + 1)[1:], side="right")
ends[-1] = len(rows)
sampled = venue_of(flow)
looks = []
first = 0
for end in ends:
    sampled.apply(rows[first:end])
    looks.append({side: sampled.depth(symbol, side, LEVELS_MAX) for side in "BS"})
    first = end
assert sampled.digest() == venue.digest()  # slices change nothing

# %% The prices to show, around what was traded; each look as quantities by price
prices = trades["price"] if len(trades) else rows["price"][rows["price"] > 0]
low, high = np.min(prices) / UNIT, np.max(prices) / UNIT
margin = max((high - low) * 0.35, 0.05)
edges = np.linspace(low - margin, high + margin, PRICE_STEPS + 1)
pictures = {
    side: np.column_stack(
        [
            np.histogram(look[side]["price"] / UNIT, edges, weights=look[side]["quantity"])[0]
            for look in looks
        ]
    )
    for side in "BS"
}

# %% Depth over time, and at the end
figure, axes = plt.subplot_mosaic(
    [["time", "time", "end"], ["B", "S", "."]],
    figsize=(10, 5.6), height_ratios=(20, 1), width_ratios=(3, 3, 2), layout="constrained",
)  # fmt: skip
over_time, at_end = axes["time"], axes["end"]
colours = {"B": ("Blues", "tab:blue", "buy"), "S": ("Oranges", "tab:orange", "sell")}
most = max(picture.max() for picture in pictures.values())
for side, (colour_map, colour, name) in colours.items():
    mesh = over_time.pcolormesh(
        np.linspace(hours[0], hours[-1], SAMPLES + 1), edges,
        np.ma.masked_less_equal(pictures[side], 0),
        cmap=colour_map, norm=LogNorm(max(most / 1e4, 1), max(most, 10)),
    )  # fmt: skip
    figure.colorbar(mesh, cax=axes[side], orientation="horizontal")
    axes[side].set_xlabel(f"displayed to {name}, shares at a price")
    levels = venue.depth(symbol, side, LEVELS_MAX)
    levels = levels[(levels["price"] >= edges[0] * UNIT) & (levels["price"] <= edges[-1] * UNIT)]
    at_end.step(
        np.cumsum(levels["quantity"]) / 1e6, levels["price"] / UNIT, color=colour, label=name
    )
over_time.plot(trade_hours, trades["price"] / UNIT, "k.", markersize=3, label="trades")
over_time.set(
    title=f"{flow.symbols[symbol]}: displayed depth over the day",
    xlabel="hours since the first order",
    ylabel="price, in units of the file's currency",
    ylim=(edges[0], edges[-1]),
)
over_time.legend(loc="upper left", markerscale=3)
at_end.set(
    title="Depth at the end", xlabel="cumulated, million shares", xlim=(0, None),
    ylim=over_time.get_ylim(),
)  # fmt: skip
at_end.legend(loc="center right")
at_end.grid(alpha=0.3)
figure.savefig(IMAGE, dpi=90)
print(f"wrote {IMAGE}")
