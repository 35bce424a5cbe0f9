/* What members write their update with: settings as constants, slots, and the expressions that several of them share.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/shape.h"
#include "optim/optim.h"
#include "plan/store.h"

gr_val gr__step_arg(gr_step *s, const char *name)
{
    return gr_const(s->g, gr__setting_real(s->s, name));
}

/* ---- slots ---- */

gr_status gr__slot_add(gr_graph *g, gr_store *store, const char *name, gr_shape shape, gr_layout layout, double initial,
                       gr_val *out)
{
    gr_entry_spec spec = {
        .name = name, .shape = shape, .slot = true, .role = GR_ROLE_STATE, .layout = layout, .initial = initial};
    gr_status st = gr_store_add(store, &spec, NULL);
    *out = st == GR_OK ? gr_slot(g, name, shape) : gr_graph_fail(g, st, "slot %s cannot be added", name);
    return st;
}

enum { MOST_NAME = 512 };

/* OWNER/PHASE NAME: "c1.weight/m", "optimizer/then/t"; false where there is no room. */
static bool slot_name(char full[MOST_NAME], const char *owner, const char *phase, const char *name)
{
    int n = snprintf(full, MOST_NAME, "%s/%s%s", owner, phase, name);
    return n >= 0 && n < MOST_NAME;
}

gr_status gr__slot_beside(gr_graph *g, gr_store *store, const gr_entry_spec *e, const char *name, double initial,
                          gr_val *out)
{
    char full[MOST_NAME];
    if (!slot_name(full, e->name, "", name))
        return gr__fail(gr__graph_context(g), GR_E_RANGE, "the name of parameter %.60s... is too long", e->name);
    return gr__slot_add(g, store, full, e->shape, e->layout, initial, out);
}

const char *gr__optim_phase_name(int phase)
{
    return phase ? "then/" : "";
}

/* One that is there already is found, whatever it starts at. */
static gr_val slot(gr_step *s, const char *owner, const char *name, gr_shape shape, gr_layout layout, double initial)
{
    char full[MOST_NAME];
    gr_val v;
    if (!slot_name(full, owner, s->phase, name))
        return gr_graph_fail(s->g, GR_E_RANGE, "the name of parameter %.60s... is too long", owner);
    gr__slot_add(s->g, s->store, full, shape, layout, initial, &v);
    return v;
}

gr_val gr__slot_find(gr_graph *g, const gr_store *store, const char *owner, const char *phase, const char *name)
{
    char full[MOST_NAME];
    const gr_entry *e = slot_name(full, owner, phase, name) ? gr_store_find(store, full) : NULL;
    if (e && e->spec.role == GR_ROLE_CODES) return gr__slot_codes(g, full, e->count);
    return e ? gr_slot(g, full, e->spec.shape) : GR_NONE;
}

/* The slot as it was added before; GR_NONE: it was not. */
static gr_val known(gr_step *s, const char *owner, const char *name)
{
    return gr__slot_find(s->g, s->store, owner, s->phase, name);
}

/* ---- in fewer bits ---- */

enum {
    LEAST_PACKED = 4096
}; /* what is smaller is as it is: it takes little, and would not be one kernel with others */

static bool is_packed(const gr_step *s, double initial)
{
    return s->slot_bits && initial == 0 && gr_shape_count(s->param->entry.shape) >= LEAST_PACKED;
}

static bool is_positive(const gr_step *s, const char *name)
{
    for (int i = 0; i < s->n_positive; i++)
        if (strcmp(s->positive[i], name) == 0) return true;
    return false;
}

/* The slot of bytes, added where it is not there. */
static gr_val codes_of(gr_step *s, const char *name)
{
    const gr_entry_spec *e = &s->param->entry;
    char full[MOST_NAME];
    int64_t bytes = gr__slot_code_bytes(s->slot_bits, gr_shape_count(e->shape));
    if (!slot_name(full, e->name, s->phase, name))
        return gr_graph_fail(s->g, GR_E_RANGE, "the name of parameter %.60s... is too long", e->name);
    gr_entry_spec spec = {.name = full, .shape = GR_SHAPE(bytes), .slot = true, .role = GR_ROLE_CODES};
    gr_status st = gr_store_add(s->store, &spec, NULL);
    return st == GR_OK ? gr__slot_codes(s->g, full, bytes) : gr_graph_fail(s->g, st, "slot %s cannot be added", full);
}

static void keep_packed(gr_step *s, const char *name, gr_val value)
{
    char full[MOST_NAME];
    gr_val codes = codes_of(s, name);
    if (!codes || !slot_name(full, s->param->entry.name, s->phase, name)) return;
    gr_assign(s->g, codes, gr__slot_write(s->g, value, s->slot_bits, is_positive(s, name), full, s->seed, s->t),
              GR_ASSIGN_UPDATE);
}

gr_val gr__step_positive(gr_step *s, const char *name)
{
    if (!is_positive(s, name) && s->n_positive == (int)GR_COUNT(s->positive))
        return gr_graph_fail(s->g, GR_E_INTERNAL, "an update has more than %d slots of positive numbers",
                             (int)GR_COUNT(s->positive));
    if (!is_positive(s, name)) s->positive[s->n_positive++] = name;
    return gr__step_slot(s, name);
}

gr_val gr__step_filled(gr_step *s, const char *name, double initial)
{
    const gr_entry_spec *e = &s->param->entry;
    if (is_packed(s, initial))
        return gr__slot_read(s->g, codes_of(s, name), s->slot_bits, is_positive(s, name), e->shape);
    return slot(s, e->name, name, e->shape, e->layout, initial);
}

gr_val gr__step_slot(gr_step *s, const char *name)
{
    return gr__step_filled(s, name, 0);
}

gr_val gr__step_number(gr_step *s, const char *name, double initial)
{
    return slot(s, s->param->entry.name, name, GR_SCALAR, GR_LAYOUT_PLAIN, initial);
}

gr_val gr__step_shared(gr_step *s, const char *name, double initial)
{
    if (s->since)
        return gr_graph_fail(s->g, GR_E_CONFLICT,
                             "%s is unfrozen after %lld updates, but \"%s\" is a number that this optimizer keeps for "
                             "all parameters together, from the first update on",
                             s->param->entry.name, (long long)s->since, name);
    return slot(s, "optimizer", name, GR_SCALAR, GR_LAYOUT_PLAIN, initial);
}

gr_val gr__step_keep(gr_step *s, const char *name, gr_val value)
{
    gr_val to = known(s, s->param->entry.name, name);
    bool packed = to ? gr_dtype_of(s->g, to) == GR_U8 : is_packed(s, 0);
    if (packed) {
        keep_packed(s, name, value);
        return value;
    }
    gr_assign(s->g, to ? to : gr__step_slot(s, name), value, GR_ASSIGN_UPDATE);
    return value;
}

gr_val gr__step_keep_shared(gr_step *s, const char *name, gr_val value)
{
    if (s->first) gr_assign(s->g, known(s, "optimizer", name), value, GR_ASSIGN_UPDATE);
    return value;
}

/* ---- expressions ---- */

gr_val gr__one_minus(gr_graph *g, gr_val x)
{
    return gr_sub(g, gr_const(g, 1), x);
}

gr_val gr__ema(gr_graph *g, gr_val beta, gr_val old, gr_val x)
{
    return gr_add(g, gr_mul(g, old, beta), gr_mul(g, x, gr__one_minus(g, beta)));
}

gr_val gr__unbias(gr_step *s, gr_val m, gr_val beta)
{
    gr_graph *g = s->g;
    return gr_mul(g, m, gr_recip(g, gr__one_minus(g, gr_pow(g, beta, s->t)))); /* the factor is a rank-0 double */
}

/* ---- norms ---- */

/* Sums of squares are kept 2^(-2 DOWN) times as large, whatever the backend: the norm of a float64 tensor leaves its
 * type at 2^1024, the squares would at 2^512. A power of two changes no bit of the root. */
enum { DOWN = 100 };

gr_val gr__squares(gr_graph *g, gr_val x)
{
    return gr_sum_squares(g, x, DOWN);
}

gr_val gr__squares_root(gr_graph *g, gr_val q)
{
    return gr_mul(g, gr_sqrt(g, q), gr_const(g, ldexp(1, DOWN)));
}

gr_val gr__squares_fit(gr_graph *g, const gr_store *s, gr_val q, gr_val factor)
{
    int end = gr_backend_real_bytes(gr__store_backend(s)) == sizeof(double) ? DBL_MAX_EXP : FLT_MAX_EXP;
    gr_val fits = gr_less(g, gr_mul(g, q, gr_square(g, factor)), gr_const(g, ldexp(1, end - 2 * DOWN)));
    return gr_recip(g, fits); /* of 1, or of 0 */
}

gr_val gr__norm(gr_graph *g, gr_val x)
{
    return gr__squares_root(g, gr__squares(g, x));
}

gr_val gr__step_square(gr_step *s, gr_val x)
{
    return gr__step_square_of(s, x, 1);
}

gr_val gr__step_square_of(gr_step *s, gr_val x, double times)
{
    s->squares = GR_MAX(s->squares, times);
    return gr_square(s->g, x);
}

gr_val gr__ratio_or(gr_graph *g, gr_val a, gr_val b, gr_val other)
{
    gr_val zero = gr_const(g, 0), both = gr_mul(g, gr_less(g, zero, a), gr_less(g, zero, b));
    return gr_select(g, both, gr_div(g, a, gr_select(g, both, b, gr_const(g, 1))), other);
}
