/* Wrong kernels for matrix products, registered nowhere but here, each with one mistake: what holds every provider
 * against plain loops and against the cost that it states must reject every one, and accept the right one. */
#include "backend/contract_case.h"

typedef enum mistake {
    NONE,
    OTHER_COST,      /* chosen by one cost, planned with another */
    ANY_BUT_FREE,    /* costs nothing, so that it is always chosen */
    NO_TRANSPOSE,    /* reads B as it stands */
    SAME_BATCH,      /* the first matrix for all of them */
    NO_BIAS,         /* takes the vector and forgets it */
    RELU_BEFORE,     /* the epilogue in the wrong order */
    ODD_END,         /* the last column of an odd number */
    DIRTY_SCRATCH,   /* scratch is taken for zeros */
    FIRST_SHARD,     /* one shard makes ready what the others read, in the same phase */
    SINGLE_AND_HALF, /* sums in 16 bits or so */
} mistake;
enum { MISTAKES = SINGLE_AND_HALF + 1 };

static mistake made;

typedef struct plain {
    gr_kernel kernel;
    gr__contraction c;
} plain;

static float element(const gr__contraction *c, const float *a, const float *b, int64_t z, int64_t i, int64_t j,
                     const gr_call *call)
{
    double sum = made == DIRTY_SCRATCH ? (double)*(const float *)call->scratch : 0;
    if (made == SAME_BATCH) z = 0;
    for (int64_t l = 0; l < c->mm.k; l++) {
        bool turned = c->mm.transpose_b && made != NO_TRANSPOSE;
        double x = a[z * c->mm.m * c->mm.k + (c->mm.transpose_a ? l * c->mm.m + i : i * c->mm.k + l)];
        sum += x * (double)b[z * c->mm.k * c->mm.n + (turned ? j * c->mm.k + l : l * c->mm.n + j)];
        if (made == SINGLE_AND_HALF) sum = round(sum * 1024) / 1024;
    }
    return (float)sum;
}

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const plain *p = (const plain *)kernel;
    const gr__contraction *c = &p->c;
    int64_t n = c->mm.n, rows = c->mm.batch * c->mm.m;
    const float *bias = c->bias ? call->operand[2] : NULL;
    float *out = call->operand[kernel->n_operands - 1];
    int64_t skipped = made == ODD_END && n % 2 ? 1 : 0;
    if (made == FIRST_SHARD && shard == 0) *(float *)call->shared = 1;
    float factor = made == FIRST_SHARD ? *(float *)call->shared : 1;
    int64_t end = gr__cut(rows, shard + 1, kernel->phase[0].n_shards);
    for (int64_t r = gr__cut(rows, shard, kernel->phase[0].n_shards); r < end; r++)
        for (int64_t j = 0; j < n - skipped; j++) {
            float y = factor * element(c, call->operand[0], call->operand[1], r / c->mm.m, r % c->mm.m, j, call);
            if (c->relu && made == RELU_BEFORE) y = fmaxf(y, 0);
            if (bias && made != NO_BIAS) y += bias[j];
            out[r * n + j] = c->relu && made != RELU_BEFORE ? fmaxf(y, 0) : y;
        }
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(plain));
}

static double cost_of(const gr__contraction *c, gr__isa isa)
{
    (void)isa;
    if (c->kind != GR__MATMUL) return INFINITY;
    return made == ANY_BUT_FREE ? 0 : 100 + (double)(c->mm.batch * c->mm.m * c->mm.n * c->mm.k);
}

static gr_status make(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out)
{
    plain *p = gr__alloc(ctx, sizeof *p);
    if (!p) return gr__error_code(ctx);
    p->c = *c;
    p->kernel.name = "plain";
    p->kernel.n_phases = 1;
    p->kernel.phase[0].run = run;
    p->kernel.phase[0].n_shards = (int)GR_MAX(1, GR_MIN(c->mm.batch * c->mm.m, 4));
    p->kernel.phase[0].cost_ns = cost_of(c, isa) * (made == OTHER_COST ? 2 : 1);
    p->kernel.scratch_bytes = p->kernel.shared_bytes = 64;
    p->kernel.n_operands = c->bias ? 4 : 3;
    p->kernel.destroy = destroy;
    *out = &p->kernel;
    return GR_OK;
}

static const gr_provider provider = {.name = "plain", .cost = cost_of, .make = make};

/* What is wrong with it over many shapes; NULL: nothing. */
static const char *fault(void)
{
    gr_context *ctx = test_context();
    gr__rng r = gr__rng_make(3, "bad providers", 0, 0);
    const char *found = NULL;
    for (int i = 0; i < 60 && !found; i++) {
        gr__contraction c = {.kind = GR__MATMUL, .bias = i & 1, .relu = i & 2};
        c.mm.batch = (int64_t)gr__rng_below(&r, 3) + 1;
        c.mm.m = (int64_t)gr__rng_below(&r, 9) + 1;
        c.mm.n = (int64_t)gr__rng_below(&r, 9) + 1;
        c.mm.k = (int64_t)gr__rng_below(&r, 20) + 1;
        c.mm.transpose_a = gr__rng_below(&r, 2);
        c.mm.transpose_b = gr__rng_below(&r, 2);
        found = contract_provider_fault(ctx, &provider, &c, GR__ISA_BASELINE, &r);
    }
    test_context_end(ctx);
    return found;
}

static void the_right_one_passes(void **state)
{
    (void)state;
    made = NONE;
    const char *found = fault();
    if (found) fail_msg("%s", found);
}

static void wrong_ones_are_rejected(void **state)
{
    (void)state;
    for (int m = NONE + 1; m < MISTAKES; m++) {
        made = (mistake)m;
        if (!fault()) fail_msg("mistake %d passes", m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_one_passes),
        cmocka_unit_test(wrong_ones_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
