"""Exports: ONNX, full weights, the hub."""
