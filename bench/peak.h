/* Multiply-adds between registers alone: what arithmetic of float32 can reach at most. Flops a second of processor
 * time, the best of some windows. */
#ifndef GR_BENCH_PEAK_H
#define GR_BENCH_PEAK_H

#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* others may share the machine */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Flops a second of multiply-adds between registers. */
#if defined(__x86_64__)
#define PEAK(name, set, reg)                                                                                         \
    __attribute__((target(set))) static double name(void)                                                            \
    {                                                                                                                \
        double best = 0;                                                                                             \
        for (int t = 0; t < 20; t++) {                                                                               \
            double t0 = now();                                                                                       \
            for (int i = 0; i < 100000; i++)                                                                         \
                __asm__ volatile(FMA(reg, 0) FMA(reg, 1) FMA(reg, 2) FMA(reg, 3) FMA(reg, 4) FMA(reg, 5) FMA(reg, 6) \
                                     FMA(reg, 7) FMA(reg, 8) FMA(reg, 9) FMA(reg, 10) FMA(reg, 11)::                 \
                                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",   \
                                           "xmm9", "xmm10", "xmm11");                                                \
            double rate = 100000.0 * 12 * (sizeof reg == 4 ? (reg[0] == 'z' ? 32 : 16) : 0) / (now() - t0);          \
            if (rate > best) best = rate;                                                                            \
        }                                                                                                            \
        return best;                                                                                                 \
    }
#define FMA(reg, i) "vfmadd231ps %%" reg "15, %%" reg "14, %%" reg #i "\n"
PEAK(peak_avx2, "avx2,fma", "ymm")
PEAK(peak_avx512, "avx512f", "zmm")
#endif

#endif
