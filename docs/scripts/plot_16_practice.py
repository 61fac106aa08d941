"""
Practice
========

Reading about steps is not taking them. The practice room makes exercises from a seed, checks the
answers, and recognises common slips.
"""

# %%
# One exercise, with its hints.
from downslope.practice import KINDS, check, make_item

print("kinds:", ", ".join(KINDS))
item = make_item("trace", seed=7)
print(item.question)
for hint in item.hints:
    print("hint:", hint)

# %%
# A wrong answer that is known gets its own explanation, and every answer gets the whole way.
slip = item.slips[0]
print(check(item, slip.values).explanation)
print(check(item, item.solution).right)
print(item.working)

# %%
# Another kind: a landscape in a list of numbers. Answer before you look at the figure.
from downslope.landscapes.minima import count_minima
from downslope.pictures.one_weight import minima

puzzle = make_item("minima", seed=3)
print(puzzle.question)

# %%
heights = puzzle.curves[0]
counted = count_minima(heights)
print(f"{counted.number} local minima, the lowest is {counted.lowest:g}")
figure = minima(range(len(heights)), heights, [first for first, _ in counted.places], name="place")
figure

# %%
# At the terminal or on paper::
#
#     downslope practice --seed 7
#     downslope practice --sheet 20 --seed 7 --out sheet.html
