/* Integer programs by CBC. */
#include "plan/budget/solver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* ---- the library ---- */

/* Of coin/Cbc_C_Interface.h, as it has been since 2.9. */
typedef struct library {
    void *loaded;
    void *(*make)(void);
    void (*discard)(void *m);
    void (*load)(void *m, int columns, int rows, const int *start, const int *index, const double *value,
                 const double *low, const double *high, const double *cost, const double *row_low,
                 const double *row_high);
    void (*set_integer)(void *m, int column);
    void (*set)(void *m, const char *name, const char *value);
    int (*solve)(void *m);
    int (*optimal)(void *m);
    int (*infeasible)(void *m);
    double (*bound)(void *m);
    double (*value)(void *m);
    const double *(*solution)(void *m);
} library;

static bool find(const library *l, const char *name, void *to)
{
    void *found = dlsym(l->loaded, name); /* ISO C has no pointer that is both to data and to a function */
    memcpy(to, &found, sizeof found);
    return found;
}

static bool load(library *l)
{
    static const char *const names[] = {"libCbcSolver.so.3", "libCbcSolver.so"};
    *l = (library){0};
    for (size_t i = 0; i < GR_COUNT(names) && !l->loaded; i++) l->loaded = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return l->loaded && find(l, "Cbc_newModel", &l->make) && find(l, "Cbc_deleteModel", &l->discard) &&
           find(l, "Cbc_loadProblem", &l->load) && find(l, "Cbc_setInteger", &l->set_integer) &&
           find(l, "Cbc_setParameter", &l->set) && find(l, "Cbc_solve", &l->solve) &&
           find(l, "Cbc_isProvenOptimal", &l->optimal) && find(l, "Cbc_isProvenInfeasible", &l->infeasible) &&
           find(l, "Cbc_getBestPossibleObjValue", &l->bound) && find(l, "Cbc_getObjValue", &l->value) &&
           find(l, "Cbc_getColSolution", &l->solution);
}

bool gr__integer_solver_is_there(void)
{
    library l;
    return load(&l);
}

gr_status gr__integer_solver(gr_context *ctx)
{
    if (gr__integer_solver_is_there()) return GR_OK;
    return gr__fail(ctx, GR_E_FILE,
                    "there is no CBC here, which solves integer programs: Debian's package is coinor-libcbc3");
}

/* ---- the program ---- */

int gr__integer_column(gr__integer_program *p, double low, double high, double cost, bool whole)
{
    size_t n = (size_t)p->columns + 1;
    if (!GR_ROOM(p->ctx, p->low, p->low_room, n) || !GR_ROOM(p->ctx, p->high, p->high_room, n) ||
        !GR_ROOM(p->ctx, p->cost, p->cost_room, n) || !GR_ROOM(p->ctx, p->whole, p->whole_room, n))
        p->failed = true;
    if (!p->failed) {
        p->low[p->columns] = low, p->high[p->columns] = high, p->cost[p->columns] = cost;
        p->whole[p->columns] = whole;
    }
    return p->columns++;
}

void gr__integer_term_add(gr__integer_program *p, int column, double by)
{
    if (!GR_ROOM(p->ctx, p->term, p->term_room, p->n_terms + 1)) p->failed = true;
    if (!p->failed) p->term[p->n_terms++] = (gr__integer_term){p->rows, column, by};
}

void gr__integer_row(gr__integer_program *p, double low, double high)
{
    size_t n = (size_t)p->rows + 1;
    if (!GR_ROOM(p->ctx, p->row_low, p->row_low_room, n) || !GR_ROOM(p->ctx, p->row_high, p->row_high_room, n))
        p->failed = true;
    if (!p->failed) p->row_low[p->rows] = low, p->row_high[p->rows] = high;
    p->rows++;
}

void gr__integer_close(gr__integer_program *p)
{
    gr__free(p->ctx, p->low, p->low_room * sizeof *p->low);
    gr__free(p->ctx, p->high, p->high_room * sizeof *p->high);
    gr__free(p->ctx, p->cost, p->cost_room * sizeof *p->cost);
    gr__free(p->ctx, p->whole, p->whole_room * sizeof *p->whole);
    gr__free(p->ctx, p->row_low, p->row_low_room * sizeof *p->row_low);
    gr__free(p->ctx, p->row_high, p->row_high_room * sizeof *p->row_high);
    gr__free(p->ctx, p->term, p->term_room * sizeof *p->term);
    *p = (gr__integer_program){.ctx = p->ctx};
}

/* By columns, as the solver has them. */
static gr_status hand_over(const gr__integer_program *p, const library *l, void *m, bool whole, gr__bump *b)
{
    int *start = gr__bump_alloc(b, sizeof(int) * ((size_t)p->columns + 2));
    int *index = gr__bump_alloc(b, sizeof(int) * (p->n_terms + 1));
    double *value = gr__bump_alloc(b, sizeof(double) * (p->n_terms + 1));
    if (!start || !index || !value) return gr__error_code(p->ctx);
    for (size_t i = 0; i < p->n_terms; i++) start[p->term[i].column + 2]++;
    for (int c = 0; c < p->columns; c++) start[c + 2] += start[c + 1];
    for (size_t i = 0; i < p->n_terms; i++) {
        int at = start[p->term[i].column + 1]++;
        index[at] = p->term[i].row, value[at] = p->term[i].by;
    }
    l->load(m, p->columns, p->rows, start, index, value, p->low, p->high, p->cost, p->row_low, p->row_high);
    for (int c = 0; c < p->columns; c++) {
        bool fixed = !whole && p->low[c] == p->high[c]; /* CBC tells of every step where nothing is whole */
        if (fixed || (whole && p->whole[c])) l->set_integer(m, c);
        if (fixed) break;
    }
    return GR_OK;
}

gr_status gr__integer_solve(const gr__integer_program *p, int64_t limit, double gap, gr__bump *b,
                            gr__integer_answer *out)
{
    char text[32];
    library l;
    double *value = gr__bump_alloc(b, ((size_t)p->columns + 1) * sizeof *value);
    gr_status st = GR_OK;
    *out = (gr__integer_answer){.value = NULL};
    if (!load(&l)) return gr__integer_solver(p->ctx);
    if (!value || p->failed) return gr__error_code(p->ctx);
    void *m = l.make();
    if (!m) return gr__fail(p->ctx, GR_E_MEMORY, "no memory for an integer program");
    l.set(m, "logLevel", "0");
    snprintf(text, sizeof text, "%lld", (long long)limit);
    if (limit) l.set(m, "maxNodes", text);
    snprintf(text, sizeof text, "%g", gap);
    if (limit && gap > 0) l.set(m, "ratioGap", text);
    st = hand_over(p, &l, m, limit > 0, b);
    if (st == GR_OK) l.solve(m);
    out->optimal = st == GR_OK && l.optimal(m), out->none = st == GR_OK && l.infeasible(m);
    const double *x = st == GR_OK && !out->none ? l.solution(m) : NULL;
    if (x) {
        memcpy(value, x, (size_t)p->columns * sizeof *value);
        out->value = value;
        out->cost = l.value(m);
        out->bound = out->optimal && (gap == 0 || !limit) ? out->cost : l.bound(m);
    }
    l.discard(m);
    return st;
}
