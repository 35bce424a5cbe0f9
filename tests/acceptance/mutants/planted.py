"""The planted faults: what is wrong, and which check must say so. A fault is a few keys of a sound recipe, which must pass that check without them."""
from collections import namedtuple

# id; area; what is wrong; the check that must tell it; the sound recipe; {KEY: VALUE} as --set takes them; how it must be told: "failed", "warning", or
# "refused" with an exit code 2 or 3 and these words; {KEY: VALUE} of the sound twin beside its recipe
Fault = namedtuple("Fault", "name area what check base sets how words twin")

BASES = {
    "table": """
data: {train: {type: npy, inputs: table/x.npy, targets: table/y.npy}, validation: {type: npy, inputs: table/xv.npy, targets: table/yv.npy}, batch: 32, prepare: [standardize], shuffle: every_epoch}
model: {input: [6], layers: [{type: dense, units: 16, activation: relu, name: h}, {type: dense, units: 16, activation: relu, name: i}, {type: dense, units: 3, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 10}
""",
    "prepared": """
data: {train: {type: npy, inputs: table/sx.npy, targets: table/y.npy}, validation: {type: npy, inputs: table/sxv.npy, targets: table/yv.npy}, batch: 32}
model: {input: [6], layers: [{type: dense, units: 16, activation: relu, name: h}, {type: dense, units: 3, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 10}
""",
    "price": """
data: {train: {type: npy, inputs: table/x.npy, targets: table/p.npy}, validation: {type: npy, inputs: table/xv.npy, targets: table/pv.npy}, batch: 32, prepare: [standardize], target: {standardize: true}}
model: {input: [6], layers: [{type: dense, units: 16, activation: tanh, name: h}, {type: dense, units: 1, name: head}]}
cost: mse
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 20}
""",
    "four": """
data: {train: {type: npy, inputs: table/x.npy, targets: table/q.npy}, validation: {type: npy, inputs: table/xv.npy, targets: table/qv.npy}, batch: 32, prepare: [standardize]}
model: {input: [6], layers: [{type: dense, units: 16, activation: tanh, name: h}, {type: dense, units: 4, name: head}]}
cost: mse
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 20}
""",
    "clusters": """
data: {train: {type: clusters}, validation: {split: 0.2}, batch: 32, prepare: [standardize]}
model: {input: [6], layers: [{type: dense, units: 16, activation: relu, name: h}, {type: dense, units: 3, name: head}]}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 10}
""",
    "moons": """
data: {train: {type: synthetic, kind: moons, n: 300, noise: 0.1, seed: 1}, validation: {split: 0.2}, batch: 32, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 16, activation: tanh, name: h}, {type: dense, units: 1, name: head}]}
cost: binary_cross_entropy
optimizer: {type: adam, lr: 0.02}
stop: {epochs: 10}
""",
    "pictures": """
data: {train: {type: npy, inputs: pictures/x.npy, targets: pictures/y.npy}, validation: {type: npy, inputs: pictures/xv.npy, targets: pictures/yv.npy}, batch: 32, prepare: [{type: scale, by: 1/255}, standardize]}
model: {input: [12, 12, 3], layers: [{type: conv, filters: 8, kernel: 3, activation: relu, name: c}, {type: max_pool, size: 2, name: p}, {type: flatten, name: f}, {type: dense, units: 4, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.005}
stop: {epochs: 5}
""",
    "normed": """
data: {train: {type: npy, inputs: pictures/x.npy, targets: pictures/y.npy}, validation: {type: npy, inputs: pictures/xv.npy, targets: pictures/yv.npy}, batch: 40, prepare: [{type: scale, by: 1/255}, standardize]}
model: {input: [12, 12, 3], layers: [{type: conv, filters: 8, kernel: 3, bias: false, name: c}, {type: batch_norm, activation: relu, name: n}, {type: max_pool, size: 2, name: p}, {type: flatten, name: f}, {type: dense, units: 4, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.005}
stop: {epochs: 5}
""",
    "deep": """
data: {train: {type: npy, inputs: table/x.npy, targets: table/y.npy}, validation: {type: npy, inputs: table/xv.npy, targets: table/yv.npy}, batch: 32, prepare: [standardize]}
model: {input: [6], layers: [{repeat: {times: 6, name: b, layers: [{type: dense, units: 24, activation: relu}]}}, {type: dense, units: 3, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.003}
stop: {epochs: 10}
""",
    "waves": """
data: {train: {type: npy, inputs: waves/x.npy, targets: waves/y.npy}, validation: {type: npy, inputs: waves/xv.npy, targets: waves/yv.npy}, batch: 30, prepare: [standardize]}
model: {input: [24, 2], layers: [{type: gru, units: 16, name: r}, {type: dense, units: 3, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.003}
stop: {epochs: 15}
""",
}

faults = []


def plant(area, base):
    def add(name, check, what, sets, how="failed", words="", twin=None):
        faults.append(Fault(name, area, what, check, base, sets, how, words, twin or {}))

    return add


X, XV, Y, YV = "data.train.inputs", "data.validation.inputs", "data.train.targets", "data.validation.targets"
L1, L2, L3 = "model.layers[0]", "model.layers[1]", "model.layers[2]"

# ---- data ----
f = plant("data", "table")
f("labels-shuffled", "T6", "labels are in another order than their samples", {Y: "table/y_shuffled.npy"})
f("labels-shifted", "T6", "each sample has the label of the next one", {Y: "table/y_shifted.npy"})
f("labels-of-another-part", "T6", "the label file belongs to another part", {Y: "table/y_other.npy"})
f("validation-labels-shuffled", "T6", "labels of the validation part are in another order", {YV: "table/yv_shuffled.npy"})
f("inputs-noise", "T6", "inputs tell nothing of their labels", {X: "table/x_noise.npy"})
f("labels-constant", "T3", "every label is the same", {Y: "table/y_constant.npy"})
f("inputs-zero", "T3", "every input is 0", {X: "table/x_zero.npy"})
f("column-dead", "T3", "a column never changes", {X: "table/x_dead.npy"}, "warning")
f("batches-equal", "T3", "the file repeats 32 rows, which are a batch", {X: "table/x_tiled.npy", "data.shuffle": "none"})
f("outlier", "X3", "one training sample is 3000 times as large as the others", {X: "table/x_outlier.npy"}, "either")
f("validation-other-unit", "X3", "a column of the validation part is in km where the training's is in m", {XV: "table/xv_unit.npy"}, "either")
f("validation-columns-turned", "X3", "columns of the validation part stand in another order", {XV: "table/xv_order.npy"}, "either")
f("validation-blank", "X3", "the validation part holds nothing but 0", {XV: "table/xv_zero.npy"}, "either")
f("validation-prepared-twice", "X3", "the validation file is standardised already, and is so again", {XV: "table/xv_own.npy"}, "either")
f = plant("data", "prepared")
f("validation-own-statistics", "X3", "the validation file was standardised by its own mean and deviation", {XV: "table/sxv_own.npy"}, "either")
f = plant("data", "price")
f("values-shuffled", "T6", "values are in another order than their samples", {Y: "table/p_shuffled.npy"})
f = plant("data", "clusters")
f("loader-repeats", "T3", "the source gives the same sample again and again", {"data.train.fault": "repeated"})
f("loader-blank", "T3", "the source ignores its file and gives 0", {"data.train.fault": "blank"})
f("loader-noise", "T6", "the source ignores the inputs and gives noise", {"data.train.fault": "noise"})
f("loader-shifted", "T6", "the source gives the labels of other samples", {"data.train.fault": "shifted"})
f("loader-draws-labels", "T6", "the source draws labels at random", {"data.train.fault": "drawn"})
f("loader-one-class", "T3", "the source finds one class alone", {"data.train.fault": "one_class"})
f("loader-restless", "X11", "the source gives other numbers whenever it is read", {"data.train.fault": "restless"})
f = plant("data", "pictures")
f("validation-bgr", "X3", "colours of the validation part are BGR", {XV: "pictures/xv_bgr.npy"}, "either")
f("validation-chw", "X3", "validation pictures are CHW, read as HWC", {XV: "pictures/xv_chw.npy"}, "either")
f("validation-inverted", "X3", "validation pictures are negatives", {XV: "pictures/xv_inverted.npy"}, "either")
f("channel-blank", "T3", "the red channel never changes", {X: "pictures/x_flat.npy"}, "warning")
real = {X: "pictures/x_real.npy", XV: "pictures/xv_real.npy"}
f("validation-unscaled", "X3", "validation pictures are 0 to 1 where the training's are 0 to 255", {X: "pictures/x_real.npy", XV: "pictures/xv_unit.npy"}, "either", twin=real)

# ---- preparation ----
f = plant("preparation", "pictures")
f("bytes-raw", "T5", "bytes are not scaled", {"data.prepare": "none"})
f("scaled-twice", "I2", "pictures are divided by 255 twice and standardised never", {"data.prepare": "[{type: scale, by: 1/255}, {type: scale, by: 1/255}]"})
f = plant("preparation", "table")
f("table-raw", "T5", "measures in their own units, in the thousands", {"data.prepare": "none"})
f("clipped-away", "T6", "a clip leaves one number", {"data.prepare": "[standardize, {type: clip, low: 100, high: 200}]"})
f("scaled-up", "T5", "what is standardised is multiplied by 1000", {"data.prepare": "[standardize, {type: scale, by: 1000}]"})
f("scaled-down", "I2", "what is standardised is divided by 1000", {"data.prepare": "[standardize, {type: scale, by: 0.001}]"})
f("shifted-range", "I2", "what is standardised is moved to 99 to 100", {"data.prepare": "[standardize, {type: min_max, to: [99, 100]}]"}, "either")

# ---- layers ----
f = plant("layers", "table")
f("dead-bias", "X14", "a bias of -10 kills a layer of ReLUs", {L2 + ".init": "{bias: {type: constant, value: -10}}"}, "either")
f("dead-weights", "X14", "a layer of ReLUs gets negative weights alone, of positive inputs", {L2 + ".init": "{weights: {type: uniform, bound: 0.5}, bias: {type: constant, value: -20}}"}, "either")
f("weights-equal", "I1", "all weights start equal", {"init.weights": "{type: constant, value: 0.1}"}, "warning")
f("weights-zero", "I1", "all hidden weights start at 0", {L1 + ".init": "{weights: zeros}", L2 + ".init": "{weights: zeros}"}, "either")
f("sigmoid-layer", "X15", "a sigmoid between layers", {L1 + ".activation": "sigmoid"}, "warning")
f("hard-sigmoid", "X15", "a hard sigmoid between layers", {L2 + ".activation": "hard_sigmoid"}, "warning")
f("input-blind", "T6", "a layer multiplies what it gets by 0", {L2 + ".activation": "blind"})
f("input-blind-t3", "T3", "the cost does not follow the inputs", {L1 + ".activation": "blind", L2 + ".activation": "blind"}, "either")
f("gradient-cut", "P4", "no gradient passes a layer", {L1 + ".activation": "cut"})
f("gradient-cut-at-the-end", "T7", "no gradient passes the last layer", {L3 + ".activation": "cut"})
f("gradient-doubled", "P4", "a layer passes twice the gradient", {L1 + ".activation": "doubled"})
f("gradient-turned", "P4", "a layer passes the gradient with the other sign", {L1 + ".activation": "turned"})
f("gradient-straight", "P4", "a ReLU passes the gradient where it gives 0", {L1 + ".activation": "straight_relu"})
f("weights-detached", "P4", "a layer's weights are detached", {L2: "{type: frozen_dense, units: 16, activation: relu, name: i}"})
f("logarithm", "T4", "a layer takes the logarithm of negative numbers", {L2 + ".activation": "logarithm"})
f("overflow", "T4", "an exponential overflows", {L2 + ".activation": "exponential"})
f("samples-moved", "T6", "a layer gives each sample the next one's numbers", {L2: "{type: next_sample, name: i}"})
f("samples-averaged", "T4", "a layer gives each sample the batch's mean", {L2: "{type: one_for_all, name: i}"})
f("samples-mixed", "T4", "a layer takes half the batch's mean off, also where the model is used", {L2: "{type: leaning, name: i}"})
f("samples-moved-t4", "T4", "a layer gives each sample the next one's numbers", {L2: "{type: next_sample, name: i}"})
f("evaluation-differs", "T6", "a layer's sign is turned in evaluation", {L2 + ".activation": "turned_in_use"})
f("labels-shuffled-each-step", "T7", "every other update sees the labels of other samples", {"model.layers": "[{type: dense, units: 16, activation: relu, name: h}, {type: dense, units: 3, name: head}, {type: shuffling, name: s}]"})
f("layer-restless", "X11", "a layer computes something else in every graph", {L2 + ".activation": "restless"})
f("gradient-spikes", "X16", "the gradient of some batches is ten thousand times too large", {L2: "{type: spiking, name: s}"}, "warning")
f("scale-tiny", "I2", "weights start a thousand times too small", {L1 + ".init": "{weights: {type: normal, std: 0.0005}}"})
f("scale-huge", "I2", "weights start fifty times too large", {L1 + ".init": "{weights: {type: normal, std: 30}}"}, "either")
f("last-scale-huge", "T5", "the last layer's weights start far too large", {L3 + ".init": "{weights: {type: normal, std: 20}}"})
f("last-bias", "T5", "a last bias favours one class beyond all doubt", {L3 + ".init": "{weights: {type: normal, std: 0.01}, bias: {type: normal, std: 30}}"})
f("outputs-too-few", "T4", "two outputs for three classes", {L3 + ".units": "2"}, "refused", "outputs for classes")
f("softmax-before-cost", "X18", "a softmax stands before the cross-entropy, which has one", {L3 + ".activation": "softmax"}, "refused", "contains it already")
f("log-softmax-before-cost", "X18", "a log-softmax stands before the cross-entropy", {L3 + ".activation": "log_softmax"}, "either")
f("softmax-layer", "X18", "a softmax layer ends the network", {"model.layers": "[{type: dense, units: 16, activation: relu, name: h}, {type: dense, units: 3, name: head}, softmax]"}, "refused", "contains it already")
f("memory-of-serving", "T15", "the model is larger than what it may take where it serves", {"limit": "{serving_bytes: 1K}"}, twin={"limit": "{serving_bytes: 64K}"})
f = plant("layers", "moons")
f("sigmoid-before-cost", "X18", "a sigmoid stands before the binary cross-entropy, which has one", {L2 + ".activation": "sigmoid"}, "refused", "contains it already")
f("sigmoid-between", "X15", "a sigmoid as a layer of its own between layers", {"model.layers": "[{type: dense, units: 16, name: h}, sigmoid, {type: dense, units: 1, name: head}]"}, "warning")
f = plant("layers", "deep")
f("explodes", "I2", "weights three times too large in six layers", {"init.weights": "{type: normal, std: 1}"})
f("fades", "I2", "weights far too small in six layers", {"init.weights": "{type: normal, std: 0.02}"})
f("saturated", "X6", "tanh behind weights so large that it saturates", {"model.layers[0].repeat.layers[0]": "{type: dense, units: 24, activation: tanh, init: {weights: {type: normal, std: 30}}}"}, "either")
f = plant("layers", "normed")
f("dropout-beside-norm", "X4", "dropout stands behind a batch norm", {"model.layers[2]": "{type: dropout, rate: 0.3, name: d}"}, "warning")
f("dropout-within-block", "X4", "dropout within a residual block that normalises", {"model.layers[2]": "{type: residual, name: r, layers: [{type: conv, filters: 8, kernel: 3, padding: same, name: c2}, {type: group_norm, groups: 2, activation: relu, name: g2}, {type: dropout, rate: 0.2, name: d2}]}"}, "warning")
f("norm-batch-4", "T9", "batch norm sees four samples", {"data.batch": "4"}, "warning")
f("norm-batch-4-x5", "X5", "batch norm sees four samples", {"data.batch": "4"}, "warning")
f("norm-micro-batch", "X5", "batch norm sees micro-batches of four", {"data.batch": "4", "accumulate": "10"}, "warning")
f("scale-hidden-by-norm", "X17", "weights start a thousand times too large, and the batch norm hides it", {L1 + ".init": "{weights: {type: normal, std: 200}}"}, "either")
f("scale-hidden-small", "X17", "weights start a thousand times too small, and the batch norm hides it", {L1 + ".init": "{weights: {type: normal, std: 0.0002}}"}, "either")
f = plant("layers", "waves")
f("recurrence-explodes", "X16", "a recurrent matrix six times too large, over 24 steps", {L1: "{type: rnn, units: 16, activation: relu, name: r, init: {weights: {type: normal, std: 0.6}}}"}, "either")

# ---- costs ----
f = plant("cost", "table")
f("sum-for-mean", "T5", "the cost is summed over the batch where its mean is meant", {"cost": "summed"})
f("softmax-twice", "T5", "the cost applies softmax twice", {"cost": "softmax_twice"})
f("class-off-by-one", "T5", "the cost reads the class beside the right one", {"cost": "next_class"})
f("sign-turned", "T5", "the cost has the wrong sign", {"cost": "turned_cost"})
f("first-sample-alone", "T5", "the cost counts the batch's first sample alone", {"cost": "first_sample"})
f("cost-detached", "T3", "no gradient leaves the cost", {"cost": "detached_cost"})
f("cost-detached-t7", "T7", "no gradient leaves the cost", {"cost": "detached_cost"})
f("outputs-ignored", "T7", "the cost ignores the outputs", {"cost": "blind_cost"})
f("labels-ignored", "T6", "the cost ignores the labels", {"cost": "label_ignored"})
f = plant("cost", "four")
f("squares-summed", "T5", "squares are summed over four outputs where their mean is meant", {"cost": "squares_summed"})

# ---- optimizers and rates ----
f = plant("optimizer", "table")
f("rate-zero", "T7", "the rate is 0", {"optimizer.lr": "0"})
f("all-frozen", "T7", "every parameter is frozen", {"groups": "[{match: '*', freeze: true}]"}, "refused", "every parameter is frozen")
f("scale-zero", "T7", "the group of all parameters has a rate scale of 0", {"groups": "[{match: '*', lr_scale: 0}]"})
f("last-bias-learns-alone", "T7", "everything but the last bias is frozen", {"groups": "[{match: head.bias, lr_scale: 1}, {match: '*', freeze: true}]"})
f("rate-absurd", "X13", "the rate is 1000", {"optimizer.lr": "1000"}, "either")
f("rate-tiny", "X13", "the rate is 1e-9", {"optimizer.lr": "1e-9"}, "either")
f("decay-absurd", "X12", "a weight decay of 100", {"optimizer.weight_decay": "100"}, "either")
f("clip-to-nothing", "T6", "gradients are clipped to 1e-12", {"clip": "{norm: 1e-12}", "optimizer": "{type: sgd, lr: 0.1}"})
plain = {"optimizer": "{type: sgd, lr: 0.1}"}
f("tensor-skipped", "T6", "the optimizer leaves one tensor of six as it is", {"optimizer": "{type: skipping, lr: 0.1}"}, "failed", "leave .i.weight. as it was", twin=plain)
dead = {X: "table/x_dead.npy", XV: "table/x_dead.npy", YV: "table/y.npy", "optimizer": "{type: sgd, lr: 0.05}"}
f("divides-by-zero", "T6", "0/0 where a gradient is 0", {**dead, "optimizer": "{type: undivided, lr: 0.01}"}, twin=dead)
f = plant("optimizer", "clusters")
f("ascends", "T6", "steps go up the gradient", {"optimizer": "{type: ascent, lr: 0.1}"})
f("stands-still", "T6", "steps are 0", {"optimizer": "{type: still, lr: 0.1}"})
f("rate-ignored", "T6", "steps are a hundred gradients whatever the rate", {"optimizer": "{type: whole_steps, lr: 0.1}"})
f("optimizer-restless", "X11", "steps differ from graph to graph", {"optimizer": "{type: restless_steps, lr: 0.1}"})

# ---- the design phase ----
f = plant("phase", "pictures")
design = {"phase": "design"}


def in_design(name, check, what, sets):
    f(name, check, what, {**design, **sets}, "warning", twin=design)


in_design("design-schedule", "T16", "a falling rate while the network is designed", {"schedule": "{type: polynomial, power: 1}"})
in_design("design-cyclic", "T16", "a cyclic rate while the network is designed", {"schedule": "{type: cyclic, low: 0.001, high: 0.01, half_cycle: 20}"})
in_design("design-optimizer", "T16", "RangerLARS while the network is designed", {"optimizer": "{type: rangerlars, lr: 0.01}"})
in_design("design-lookahead", "T16", "LookAhead while the network is designed", {"lookahead": "{k: 5, alpha: 0.5}"})
in_design("design-average", "T16", "averaged weights while the network is designed", {"average": "{type: swa, start: 0.5}"})
in_design("design-augment", "T18", "pictures are flipped while the network is designed", {"data.augment": "[{type: flip}]"})
in_design("design-mixup", "T18", "mixup while the network is designed", {"data.augment": "[{type: mixup}]"})
# Cheap ones, which no training tells.
QUICK = (
    "labels-constant column-dead batches-equal loader-repeats channel-blank bytes-raw table-raw scaled-down dead-bias weights-equal sigmoid-layer gradient-cut gradient-turned weights-detached "
    "logarithm outputs-too-few softmax-before-cost scale-tiny dropout-beside-norm norm-batch-4 norm-micro-batch sum-for-mean softmax-twice first-sample-alone all-frozen"
).split()

