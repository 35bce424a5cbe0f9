/* The genealogy of optimizers: the setting that turns each younger method back into an older one, and the rates and
 * gradients with which both then move alike. [mission FIG4.9, O9, O12-O23, O25-O27] */
#include "study/lab/genealogy.h"

#include <math.h>

static double averaging(int t) /* what a corrected mean of gradients is, of their momentum */
{
    return (1 - 0.9) / (1 - pow(0.9, t));
}

static double for_tiny(int t)
{
    (void)t;
    return GR_KIN_LR / GR_KIN_TINIEST;
}

static double for_tiny_sums(int t)
{
    return GR_KIN_LR / GR_KIN_TINIEST * averaging(t);
}

static double for_tiny_means(int t)
{
    return for_tiny(t) * (1 - 0.9);
}

static double for_sums(int t)
{
    return GR_KIN_LR * averaging(t);
}

static double uncorrected(int t) /* takes the root's correction back */
{
    return GR_KIN_LR / sqrt(1 - pow(0.9, t));
}

static double for_huge_sum(int t) /* of squares: 1e40 */
{
    (void)t;
    return GR_KIN_LR * 1e20;
}

static double for_short_mean(int t) /* of squares: each counts for 2^-40 */
{
    (void)t;
    return ldexp(GR_KIN_LR, -20);
}

static double for_normalised(int t)
{
    (void)t;
    return GR_KIN_LR * GR_KIN_STEADY * sqrt(GR_KIN_NUMBERS);
}

/* Liu et al. 2020, algorithm 2, for beta2 = 0.99; 0 where the variance is not to be trusted yet. */
static double rectifier(int t)
{
    double rho = 2 / (1 - 0.99) - 1, power = pow(0.99, t), now = rho - 2 * t * power / (1 - power);
    return now > 5 ? sqrt((now - 4) * (now - 2) * rho / ((rho - 4) * (rho - 2) * now)) : 0;
}

static double rectified(int t)
{
    return GR_KIN_LR * rectifier(t);
}

static double one(int t)
{
    (void)t;
    return 1;
}

double gr__kin_size(int t) /* of the gradients of ONE_SIZE */
{
    return 1 + 0.5 * sin(1.7 * t);
}

/* sqrt(u_{t-1} + eps) of AdaDelta, which is the same for all weights where their gradients have one size [Zeiler 2012,
 * algorithm 1] */
static double delta_root(int t)
{
    double u = 0, v = 0, rate = 0;
    for (int k = 1; k <= t; k++) {
        v = 0.95 * v + 0.05 * gr__kin_size(k) * gr__kin_size(k);
        rate = sqrt(u + 1e-6);
        u = 0.95 * u + 0.05 * (u + 1e-6) / (v + 1e-6) * gr__kin_size(k) * gr__kin_size(k);
    }
    return rate;
}

/* alpha is 1 - 2^-40. eps is as small as it may be where a limit is taken. */
const gr_kin gr__genealogy[GR_KINS] = {
    {.child = SGD, .parent = GD, .condition = "all data in a batch", .a = {.set = "sgd"}, .b = {.set = "gd"}},
    {.child = SGDM,
     .parent = SGD,
     .condition = "momentum 0",
     .a = {.set = "{type: sgdm, momentum: 0}"},
     .b = {.set = "sgd"}},
    {.child = NAG,
     .parent = SGDM,
     .condition = "gradient not taken ahead",
     .a = {.set = "{type: nag, form: sutskever}"},
     .b = {.set = "sgdm"},
     .tolerance = 1e-15},
    {.child = ADAGRAD,
     .parent = SGD,
     .condition = "huge first sum A, rate \xC3\x97 \xE2\x88\x9A"
                  "A",
     .a = {.set = "{type: adagrad, init_accumulator: 1e40}", .rate = for_huge_sum},
     .b = {.set = "sgd"},
     .tolerance = 1e-14},
    {.child = RMSPROP,
     .parent = ADAGRAD,
     .condition = "alpha \xE2\x86\x92 1, rate \xC3\x97 \xE2\x88\x9A(1\xE2\x88\x92"
                  "alpha)",
     .a = {.set = "{type: rmsprop, alpha: 0.9999999999990905052982270717620849609375, eps: 0}", .rate = for_short_mean},
     .b = {.set = "{type: adagrad, eps: 1e-30}"},
     .tolerance = 1e-9},
    {.child = ADADELTA,
     .parent = RMSPROP,
     .condition = "\xE2\x88\x9A(u + eps) as the rate",
     .a = {.set = "adadelta", .rate = one},
     .b = {.set = "{type: rmsprop, alpha: 0.95, eps: 1e-6, eps_in_sqrt: true}", .rate = delta_root},
     .g = ONE_SIZE,
     .tolerance = 1e-13},
    {.child = ADAM,
     .parent = RMSPROP,
     .condition = "beta1 0, not corrected",
     .a = {.set = "{type: adam, beta1: 0, beta2: 0.9, eps: 1e-3, eps_mode: hat}", .rate = uncorrected},
     .b = {.set = "{type: rmsprop, alpha: 0.9, eps: 1e-3}"},
     .tolerance = 1e-13},
    {.child = ADAM,
     .parent = SGDM,
     .condition = "eps \xE2\x89\xAB |g|",
     .a = {.set = "{type: adam, eps: 1}", .rate = for_tiny},
     .b = {.set = "sgdm", .rate = for_tiny_sums},
     .g = TINY,
     .tolerance = 1e-13},
    {.child = ADAMW,
     .parent = ADAM,
     .condition = "weight decay 0",
     .a = {.set = "{type: adamw, weight_decay: 0}"},
     .b = {.set = "adam"}},
    {.child = AMSGRAD,
     .parent = ADAM,
     .condition = "|g| rising",
     .a = {.set = "amsgrad"},
     .b = {.set = "{type: adam, eps: 1e-8}"},
     .g = RISING},
    {.child = NADAM,
     .parent = ADAM,
     .condition = "beta1 0",
     .a = {.set = "{type: nadam, beta1: 0}"},
     .b = {.set = "{type: adam, beta1: 0, eps: 1e-8}"},
     .tolerance = 1e-13},
    {.child = NOVOGRAD,
     .parent = SGDM,
     .condition = "constant norm |g|, rate \xC3\x97 |g|",
     .a = {.set = "{type: novograd, beta1: 0.9, eps: 0}", .rate = for_normalised},
     .b = {.set = "sgdm"},
     .g = CONSTANT,
     .tolerance = 1e-13},
    {.child = RADAM,
     .parent = ADAM,
     .condition = "rate \xC3\xB7 r, once rectified",
     .a = {.set = "{type: radam, beta2: 0.99, eps_mode: corrected, unrectified: skip}"},
     .b = {.set = "{type: adam, beta2: 0.99, eps: 1e-8}", .rate = rectified},
     .tolerance = 1e-12},
    {.child = LARS,
     .parent = SGDM,
     .condition = "ratio 1 (biases)",
     .a = {.set = "lars"},
     .b = {.set = "sgdm"},
     .bias = true,
     .tolerance = 1e-15},
    {.child = LAMB,
     .parent = LARS,
     .condition = "eps \xE2\x89\xAB |g|, beta1 0",
     .a = {.set = "{type: lamb, beta1: 0, eps: 1, weight_decay: 0}"},
     .b = {.set = "{type: lars, momentum: 0}"},
     .g = TINY,
     .tolerance = 1e-13},
    {.child = LAMB,
     .parent = ADAM,
     .condition = "ratio 1 (biases)",
     .a = {.set = "lamb"},
     .b = {.set = "{type: adam, eps: 1e-6}"},
     .bias = true,
     .tolerance = 1e-13},
    {.child = ADAHESSIAN,
     .parent = ADAM,
     .condition = "curvature |g|",
     .a = {.set = "adahessian"},
     .b = {.set = "{type: adam, eps: 1e-4}"},
     .tolerance = 1e-13},
    {.child = ADAHESSIAN,
     .parent = SGDM,
     .condition = "Hessian to the power 0",
     .a = {.set = "{type: adahessian, hessian_power: 0, eps: 0}"},
     .b = {.set = "sgdm", .rate = for_sums},
     .tolerance = 1e-13},
    {.child = LOOKAHEAD,
     .parent = SGD,
     .condition = "alpha 1",
     .a = {.set = "sgd", .lookahead = "{k: 3, alpha: 1}"},
     .b = {.set = "sgd"}},
    {.child = SWA,
     .parent = SGD,
     .condition = "mean of one",
     .a = {.set = "sgd", .average = "{type: swa, start: 1.0, cycle: 1}"},
     .b = {.set = "sgd"}},
    {.child = RANGER,
     .parent = LOOKAHEAD,
     .condition = "around RAdam",
     .a = {.set = "ranger"},
     .b = {.set = "{type: radam, beta1: 0.95, eps: 1e-5}", .lookahead = "{k: 6, alpha: 0.5}"}},
    {.child = RANGER,
     .parent = RADAM,
     .condition = "alpha 1",
     .a = {.set = "{type: ranger, alpha: 1}"},
     .b = {.set = "{type: radam, beta1: 0.95, eps: 1e-5}"}},
    {.child = RANGERLARS,
     .parent = RANGER,
     .condition = "ratio 1 (biases)",
     .a = {.set = "rangerlars"},
     .b = {.set = "ranger"},
     .bias = true,
     .tolerance = 1e-14},
    {.child = RANGERLARS,
     .parent = LARS,
     .condition = "alpha 1, unrectified, beta1 0",
     .a = {.set = "{type: rangerlars, alpha: 1, beta1: 0, beta2: 0.6}"},
     .b = {.set = "{type: lars, momentum: 0}"},
     .tolerance = 1e-13},
    {.child = SWATS,
     .parent = ADAM,
     .condition = "before it switches",
     .a = {.set = "{type: swats, switch_tol: 1e-300}"},
     .b = {.set = "{type: adam, eps: 1e-8}"},
     .tolerance = 1e-15},
    {.child = SWITCH,
     .parent = ADAM,
     .condition = "at the end",
     .a = {.set = "{type: switch, at: 1.0}"},
     .b = {.set = "adam"}},
    {.child = SWITCH,
     .parent = SGDM,
     .condition = "at the start",
     .a = {.set = "{type: switch, at: 0}"},
     .b = {.set = "sgdm"}},
    {.child = ADAN,
     .parent = ADAM,
     .condition = "beta2 0",
     .a = {.set = "{type: adan, beta1: 0.9, beta2: 0, beta3: 0.999, weight_decay: 0}"},
     .b = {.set = "{type: adam, eps: 1e-8}"},
     .tolerance = 1e-13},
    {.child = LION,
     .parent = ADAM,
     .condition = "beta1 0; Adam's beta1, beta2, eps 0",
     .a = {.set = "{type: lion, beta1: 0, weight_decay: 0}"},
     .b = {.set = "{type: adam, beta1: 0, beta2: 0, eps: 1e-30}"},
     .tolerance = 1e-13},
    {.child = SOPHIA,
     .parent = LION,
     .condition = "rho \xE2\x86\x92 0; Lion's betas equal",
     .a = {.set = "{type: sophia, estimator: hutchinson, beta1: 0.9, rho: 1e-30, eps: 1e-30, weight_decay: 0}"},
     .b = {.set = "{type: lion, beta1: 0.9, beta2: 0.9, weight_decay: 0}"},
     .tolerance = 1e-15},
    {.child = SOPHIA,
     .parent = SGDM,
     .condition = "eps \xE2\x89\xAB |g|, rho h",
     .a = {.set = "{type: sophia, estimator: hutchinson, beta1: 0.9, eps: 1, weight_decay: 0}", .rate = for_tiny},
     .b = {.set = "sgdm", .rate = for_tiny_means},
     .g = TINY,
     .tolerance = 1e-13},
    {.child = PRODIGY,
     .parent = ADAM,
     .condition = "d stays 1, corrected",
     .a = {.set = "{type: prodigy, d0: 1, d_coef: 1e-30, bias_correction: true, eps: 0, weight_decay: 0}"},
     .b = {.set = "{type: adam, eps: 1e-30}"},
     .tolerance = 1e-13},
    {.child = FREE_SGD,
     .parent = SWA,
     .condition = "gradients at the steps",
     .a = {.set = "{type: schedule_free_sgd, momentum: 0, weight_decay: 0}"},
     .b = {.set = "sgd", .average = "{type: swa, start: 0, cycle: 1}"},
     .tolerance = 1e-13},
    {.child = FREE_ADAMW,
     .parent = FREE_SGD,
     .condition = "eps \xE2\x89\xAB |g|",
     .a = {.set = "{type: schedule_free_adamw, eps: 1, weight_decay: 0}", .rate = for_tiny},
     .b = {.set = "{type: schedule_free_sgd, weight_decay: 0}", .rate = for_tiny},
     .g = TINY,
     .tolerance = 1e-13},
    {.child = MUON,
     .parent = ADAM,
     .condition = "all but hidden weights",
     .a = {.set = "{type: muon, lr: 0.1, other_lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0}"},
     .b = {.set = "{type: adam, eps: 1e-8}"},
     .bias = true,
     .tolerance = 1e-13},
};
