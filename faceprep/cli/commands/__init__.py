"""Spell command lines that continue what a workspace holds."""
