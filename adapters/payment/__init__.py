"""The system that takes money from cards and gives it back."""
