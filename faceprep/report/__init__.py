"""Output for people: console tables, plots, contact sheets, the state of the machine."""
