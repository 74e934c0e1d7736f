"""How good results are: estimates held against what is known, in numbers, a table and a plot."""
