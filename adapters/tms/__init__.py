"""The systems that book carriers."""
