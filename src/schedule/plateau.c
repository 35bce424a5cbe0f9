/* Plateau: the rate drops when the errors have stopped falling.                                   [PyTorch
 * ReduceLROnPlateau]
 *
 * For a new topology the advice is to train until training and validation error are both flat, to divide the rate by
 * ten, and to repeat that until it no longer helps. So both are watched unless told otherwise (ReduceLROnPlateau
 * watches one value), and with `stop` the run ends when a drop was followed by more than `patience` evaluations none of
 * which found a better error. It is the only schedule that is no function of the update alone: what it has seen is its
 * state. */
#include <math.h>

#include "schedule/schedule.h"

static const gr_row rows[] = {
    GR_ROW("factor", REAL, "0.1", "(0,1)", "1", "what the rate is multiplied by"),
    GR_ROW("patience", INT, "10", "[0,1000000000]", "evaluations",
           "the rate drops at the first bad evaluation in a row beyond so many"),
    GR_ROW("threshold", REAL, "1e-4", "[0,1)", "1",
           "an evaluation is good when it is lower than the best by more than this part of it"),
    GR_ROW("metric", CHOICE, "both", "both|train|validation", "",
           "what must be flat: mean training cost since the evaluation before, validation error",
           .torch = "validation"),
    GR_ROW("min", REAL, "0", "[0,inf)", "1", "the rate never drops below"),
    GR_ROW("cooldown", INT, "0", "[0,1000000000]", "evaluations", "so many after a drop are never bad"),
    GR_ROW("stop", BOOL, "false", "", "", "ends the run when a drop brought no better error within patience"),
};

enum { SCALE, BEST_TRAIN, BAD_TRAIN, BEST_VALIDATION, BAD_VALIDATION, COOLDOWN, HELPED };
static const gr_kept kept[] = {
    [SCALE] = GR_KEEP("scale", 1), /* of the base rate: the product of the factors so far */
    [BEST_TRAIN] = GR_KEEP("best_train", INFINITY),
    [BAD_TRAIN] = GR_KEEP("bad_train", 0), /* bad evaluations in a row */
    [BEST_VALIDATION] = GR_KEEP("best_validation", INFINITY),
    [BAD_VALIDATION] = GR_KEEP("bad_validation", 0),
    [COOLDOWN] = GR_KEEP("cooldown", 0), /* evaluations left of it */
    [HELPED] = GR_KEEP("helped", 1),     /* the last drop was followed by a better error */
};
_Static_assert(GR_COUNT(kept) <= GR_SCHEDULE_STATE, "room for the state");

static gr_status check_rate(gr_context *ctx, const gr_settings *s, double lr)
{
    const gr_tree *min = gr__setting_tree(s, "min");
    if (min->number <= lr) return GR_OK;
    return gr__tree_fail(ctx, min, GR_E_CONFLICT, "the rate drops from lr to min", "min %s is above lr %g", min->text,
                         lr);
}

static bool wants_validation(const gr_settings *s)
{
    return !gr__setting_is(s, "metric", "train");
}

static double rate(const gr_settings *s, const gr_rate *r)
{
    return fmax(r->lr * r->state[SCALE], gr__setting_real(s, "min"));
}

/* Is x better than the best so far? A NaN never is. Keeps it, and counts. */
static bool look(double x, double threshold, double *best, double *bad)
{
    bool better = isinf(*best) ? x < *best : x < *best - threshold * fabs(*best);
    if (better) *best = x;
    *bad = better ? 0 : *bad + 1;
    return better;
}

static bool observe(const gr_settings *s, const gr_observation *o, double *state)
{
    double patience = gr__setting_real(s, "patience"), threshold = gr__setting_real(s, "threshold");
    bool validation = wants_validation(s), train = !gr__setting_is(s, "metric", "validation");
    bool better_train = train && look(o->train_cost, threshold, &state[BEST_TRAIN], &state[BAD_TRAIN]);
    bool better = validation ? look(o->validation_error, threshold, &state[BEST_VALIDATION], &state[BAD_VALIDATION])
                             : better_train;
    if (better) state[HELPED] = 1;
    if (state[COOLDOWN] > 0) {
        state[COOLDOWN]--;
        state[BAD_TRAIN] = state[BAD_VALIDATION] = 0;
    }
    bool flat_train = state[BAD_TRAIN] > patience, flat_validation = state[BAD_VALIDATION] > patience;
    if (!state[HELPED] && gr__setting_bool(s, "stop") && (validation ? flat_validation : flat_train)) return true;
    if ((train && !flat_train) || (validation && !flat_validation)) return false;
    state[SCALE] *= gr__setting_real(s, "factor");
    state[BAD_TRAIN] = state[BAD_VALIDATION] = state[HELPED] = 0;
    state[COOLDOWN] = gr__setting_real(s, "cooldown");
    return false;
}

GR_SCHEDULE(plateau) = {
    .head =
        {
            .family = "schedule",
            .name = "plateau",
            .title = "Plateau: drops when the errors have stopped falling",
            .cite = "PyTorch ReduceLROnPlateau",
            .equations =
                "at every evaluation, of each error watched:\n"
                "    x < best - threshold |best|: best = x, bad = 0        else bad = bad + 1, or 0 during cooldown\n"
                "every bad > patience: rate = max(rate factor, min), bad = 0",
            GR_ROWS(rows),
        },
    .example = "{patience: 2}",
    .check_rate = check_rate,
    .rate = rate,
    .observe = observe,
    .wants_validation = wants_validation,
    .state = kept,
    .n_state = (int)GR_COUNT(kept),
};
