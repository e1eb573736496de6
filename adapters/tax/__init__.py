"""The system that works out and files sales tax."""
