/* Contractions on the processor: matrix products and convolutions with their two gradients, NHWC, float32, own kernels.
 *
 * A provider accepts a contraction or not and states its cost as a pure function of shape and instruction set; the
 * cheapest wins. */
#ifndef GR_CPU_CONTRACT_H
#define GR_CPU_CONTRACT_H

#include "gradus/plan.h"
#include "plan/kernel.h"
#include "backend/cpu/isa.h"

typedef enum gr__contract_kind {
    GR__MATMUL,       /* C[b,m,n] = op(A)[b,m,k] op(B)[b,k,n];       operands A, B, (bias), C */
    GR__CONV_FORWARD, /* y[N,OH,OW,O] = x[N,H,W,C] * w[O,KH,KW,C/g]; operands x, w, (bias), y */
    GR__CONV_DATA,    /* dx = adjoint in x, from dy and w;           operands dy, w, dx */
    GR__CONV_WEIGHTS, /* dw = adjoint in w, from x and dy;           operands x, dy, dw */
} gr__contract_kind;

typedef struct gr__contraction {
    gr__contract_kind kind;
    struct { /* matmul: row-major; op(A) is m x k, stored k x m when transposed */
        int64_t batch, m, n, k;
        bool transpose_a, transpose_b;
        bool broadcast_a, broadcast_b; /* the operand has no batch axis: the same matrix for every b */
        bool lasting_b; /* B is the same for many calls: the kernel's first phase, which lasts, packs it */
    } mm;
    struct { /* sizes and paddings before the first row and column; output sizes are given, so what pads the end follows
              */
        int64_t n, h, w, c, o, kh, kw, oh, ow;
        int64_t stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w, groups;
    } conv;
    bool bias; /* epilogue of matmul and forward: adds bias[n] or bias[O] after the sum is complete (bits as a separate
                  pass would give) */
    bool relu; /* then max(., 0), with NaN kept */
    gr_algorithm algorithm; /* what `algorithm:` allows: everything; direct and Winograd F(2x2,3x3); direct only */
} gr__contraction;

/* Makes the cheapest kernel for c. Never fails for lack of a provider: the direct ones take every shape. */
gr_status gr__contract_make(gr_context *ctx, const gr__contraction *c, gr_kernel **out);
/* The same for an instruction set of one's own choice, which the machine must support: tests and benchmarks. */
gr_status gr__contract_make_for(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out);
/* Flops counted as direct arithmetic (2 a multiply-add), whatever the algorithm. */
double gr__contract_flops(const gr__contraction *c);

#endif
