"""Using a trained model: EmotionClassifier, and scoring of files."""
