"""The settings of profile smollm2, chosen on validation."""
