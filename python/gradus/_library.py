"""libgradus.so and its types, as include/gradus declares them; tests/python/check.py holds the layouts to tests/abi.txt."""

import ctypes as c
import os
from pathlib import Path

MAX_RANK = 6


class Shape(c.Structure):
    _fields_ = [("rank", c.c_int), ("dim", c.c_int64 * MAX_RANK)]


class ErrorState(c.Structure):
    _fields_ = [("code", c.c_int), ("file", c.c_char_p), ("line", c.c_int), ("column", c.c_int), ("key", c.c_char_p), ("message", c.c_char_p), ("hint", c.c_char_p),
                ("least_bytes", c.c_uint64)]


LOG = c.CFUNCTYPE(None, c.c_void_p, c.c_int, c.c_char_p)


class ContextOptions(c.Structure):
    _fields_ = [("acquire", c.c_void_p), ("release", c.c_void_p), ("log", LOG), ("user", c.c_void_p), ("budget_bytes", c.c_uint64), ("threads", c.c_int)]


READ = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int64, c.c_void_p)


class DataField(c.Structure):
    _fields_ = [
        ("version", c.c_uint), ("role", c.c_int), ("name", c.c_char_p), ("type", c.c_int), ("shape", Shape), ("values", c.c_void_p), ("read", READ),
        ("user", c.c_void_p), ("any_thread", c.c_bool), ("class_names", c.POINTER(c.c_char_p)), ("n_classes", c.c_int),
    ]


class Progress(c.Structure):
    _fields_ = [
        ("phase", c.c_int), ("step", c.c_int64), ("steps", c.c_int64), ("epoch", c.c_double), ("epochs", c.c_double), ("cost", c.c_double),
        ("train_cost", c.c_double), ("lr", c.c_double), ("samples_per_second", c.c_double), ("seconds", c.c_double), ("seconds_left", c.c_double),
        ("validation_cost", c.c_double), ("validation_error", c.c_double), ("train_error", c.c_double), ("n_heads", c.c_int), ("head", c.POINTER(c.c_char_p)),
        ("head_error", c.POINTER(c.c_double)), ("evaluation", c.c_void_p), ("best", c.c_bool), ("path", c.c_char_p),
    ]


TOLD = c.CFUNCTYPE(c.c_int, c.c_void_p, c.POINTER(Progress), c.POINTER(c.c_bool))


class Watcher(c.Structure):
    _fields_ = [("version", c.c_uint), ("user", c.c_void_p), ("after_update", TOLD), ("after_evaluation", TOLD), ("before_checkpoint", TOLD), ("tell", TOLD)]


class TrainerData(c.Structure):
    _fields_ = [("train", c.c_void_p), ("validation", c.c_void_p), ("test", c.c_void_p)]


class TrainerOptions(c.Structure):
    _fields_ = [
        ("version", c.c_uint), ("out", c.c_char_p), ("from", c.c_char_p), ("force", c.c_bool), ("resume", c.c_bool), ("overwrite", c.c_bool),
        ("watcher", c.POINTER(Watcher)), ("n_watchers", c.c_int), ("stop", c.POINTER(c.c_int)),
    ]


class TrainResult(c.Structure):
    _fields_ = [
        ("reason", c.c_int), ("steps", c.c_int64), ("epochs", c.c_double), ("parameters", c.c_int64), ("best_step", c.c_int64), ("best_cost", c.c_double),
        ("best_error", c.c_double), ("since_best", c.c_int64), ("patience_step", c.c_int64), ("patience_best_step", c.c_int64),
        ("patience_best_error", c.c_double), ("best_averaged", c.c_bool), ("averaged", c.c_int64), ("average_cost", c.c_double), ("average_error", c.c_double),
        ("final_train_cost", c.c_double), ("final_cost", c.c_double), ("final_error", c.c_double), ("planned_bytes", c.c_uint64), ("peak_bytes", c.c_uint64),
        ("seconds", c.c_double), ("diverged", c.c_char * 256),
    ]


class ModelTensor(c.Structure):
    _fields_ = [("name", c.c_char_p), ("shape", Shape), ("float64", c.c_bool)]


# Which struct of the headers each is.
STRUCTS = {
    "gr_shape": Shape, "gr_error": ErrorState, "gr_context_options": ContextOptions, "gr_data_field": DataField, "gr_progress": Progress, "gr_watcher": Watcher,
    "gr_trainer_data": TrainerData, "gr_trainer_options": TrainerOptions, "gr_train_result": TrainResult, "gr_model_tensor": ModelTensor,
}

_TEXTS = c.POINTER(c.c_char_p)
_ANY = c.c_void_p
_OUT = c.POINTER(c.c_void_p)

# What is called: result, arguments.
FUNCTIONS = {
    "gr_context_create": (c.c_int, c.POINTER(ContextOptions), _OUT),
    "gr_context_destroy": (None, _ANY),
    "gr_context_error": (c.POINTER(ErrorState), _ANY),
    "gr_context_clear_error": (None, _ANY),
    "gr_status_name": (c.c_char_p, c.c_int),
    "gr_status_exit_code": (c.c_int, c.c_int),
    "gr_text_free": (None, _ANY, _ANY),
    "gr_recipe_open": (c.c_int, _ANY, c.c_char_p, _TEXTS, c.c_int, _OUT),
    "gr_recipe_parse": (c.c_int, _ANY, c.c_char_p, c.c_char_p, c.c_char_p, _TEXTS, c.c_int, _OUT),
    "gr_recipe_text": (c.c_int, _ANY, _OUT),
    "gr_recipe_close": (None, _ANY),
    "gr_data_create": (c.c_int, _ANY, c.c_int64, _OUT),
    "gr_data_add": (c.c_int, _ANY, c.POINTER(DataField)),
    "gr_data_samples": (c.c_int64, _ANY),
    "gr_data_destroy": (None, _ANY),
    "gr_trainer_create": (c.c_int, _ANY, c.POINTER(TrainerData), c.POINTER(TrainerOptions), _OUT),
    "gr_trainer_run": (c.c_int, _ANY, c.POINTER(TrainResult)),
    "gr_trainer_folder": (c.c_char_p, _ANY),
    "gr_trainer_destroy": (None, _ANY),
    "gr_reason_name": (c.c_char_p, c.c_int),
    "gr_model_open": (c.c_int, _ANY, c.c_char_p, _OUT),
    "gr_model_close": (None, _ANY),
    "gr_model_recipe": (_ANY, _ANY),
    "gr_model_inputs": (c.c_int, _ANY),
    "gr_model_input_name": (c.c_char_p, _ANY, c.c_int),
    "gr_model_input_shape": (Shape, _ANY, c.c_int),
    "gr_model_heads": (c.c_int, _ANY),
    "gr_model_head_name": (c.c_char_p, _ANY, c.c_int),
    "gr_model_width": (c.c_int, _ANY, c.c_int, c.POINTER(c.c_int64)),
    "gr_model_classes": (c.c_int, _ANY, c.c_int),
    "gr_model_class_name": (c.c_char_p, _ANY, c.c_int, c.c_int),
    "gr_model_predict_data": (c.c_int, _ANY, _ANY, c.POINTER(c.POINTER(c.c_double))),
    "gr_model_read": (c.c_int, _ANY, c.c_char_p, _OUT),
    "gr_model_evaluate": (c.c_int, _ANY, _ANY, _OUT),
    "gr_model_evaluate_part": (c.c_int, _ANY, _ANY, c.c_int, _OUT),
    "gr_model_tensors": (c.c_int, _ANY),
    "gr_model_tensor_at": (c.c_int, _ANY, c.c_int, c.c_char_p, c.POINTER(ModelTensor)),
    "gr_model_tensor_read": (c.c_int, _ANY, c.c_char_p, c.POINTER(c.c_double), c.c_int64),
    "gr_evaluation_samples": (c.c_int64, _ANY),
    "gr_evaluation_cost": (c.c_double, _ANY),
    "gr_evaluation_heads": (c.c_int, _ANY),
    "gr_evaluation_head": (c.c_char_p, _ANY, c.c_int),
    "gr_evaluation_head_cost": (c.c_double, _ANY, c.c_int),
    "gr_evaluation_error": (c.c_double, _ANY, c.c_int),
    "gr_evaluation_metrics": (c.c_int, _ANY, c.c_int),
    "gr_evaluation_metric_name": (c.c_char_p, _ANY, c.c_int, c.c_int),
    "gr_evaluation_metric": (c.c_double, _ANY, c.c_int, c.c_char_p),
    "gr_evaluation_confusion": (c.POINTER(c.c_int64), _ANY, c.c_int, c.POINTER(c.c_int)),
    "gr_evaluation_destroy": (None, _ANY),
}


def _open():
    beside = Path(__file__).resolve().parent / "libgradus.so"
    named = os.environ.get("GRADUS_LIBRARY")
    for path in [named] if named else [str(beside), "libgradus.so.0"] if beside.exists() else ["libgradus.so.0"]:
        try:
            return c.CDLL(path)
        except OSError as e:
            why = e
    raise ImportError(f"libgradus.so cannot be loaded ({why}); install it, install the package with it inside (pip install ./python), or name it: GRADUS_LIBRARY=...")


def _load():
    library = _open()
    for name, (result, *arguments) in FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"{library._name} has no {name}: it is of another version") from None
        function.restype = result
        function.argtypes = arguments
    return library


lib = _load()
