/* Which instruction set the kernels run on: chosen once a process, the best that the machine has. */
#ifndef GR_CPU_ISA_H
#define GR_CPU_ISA_H

typedef enum gr__isa { GR__ISA_BASELINE, GR__ISA_AVX2, GR__ISA_AVX512, GR__ISA_COUNT } gr__isa;

/* The best the processor supports, or what the environment variable GRADUS_ISA (baseline, avx2, avx512) asks for if it
 * is supported. */
gr__isa gr__isa_chosen(void);
int gr__isa_supported(gr__isa isa);
const char *gr__isa_name(gr__isa isa);

/* In files compiled once an instruction set: GR_ISA_FN(gemm) is gemm_avx2 in the AVX2 object. */
#define GR_ISA_CAT2(a, b) a##_##b
#define GR_ISA_CAT(a, b) GR_ISA_CAT2(a, b)
#define GR_ISA_FN(name) GR_ISA_CAT(name, GR_ISA)

#endif
