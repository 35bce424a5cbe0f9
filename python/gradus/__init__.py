"""Gradus from Python: models that predict from raw arrays, and training from recipes.

    import gradus
    model = gradus.load("runs/fashion/best.safetensors")
    probabilities = model.predict(pictures)          # raw numbers, as the training's source had them
    result = gradus.train("my.yaml", out="runs/mine")
"""

from ._context import BudgetError, DataError, Diverged, Error, Interrupted, RecipeError
from .data import Data, Reader
from .model import Evaluation, Model, load
from .trainer import STOP, Progress, Result, train

__all__ = [
    "BudgetError", "Data", "DataError", "Diverged", "Error", "Evaluation", "Interrupted", "Model", "Progress", "Reader", "RecipeError", "Result", "STOP",
    "load", "train",
]
