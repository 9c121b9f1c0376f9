"""Undersampling and ISMOTE."""
