"""Builders of test data that several test files share."""
