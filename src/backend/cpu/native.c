#include "backend/cpu/native.h"

extern const gr__native_set gr__native_set_baseline;
#if defined(__x86_64__)
extern const gr__native_set gr__native_set_avx2, gr__native_set_avx512;
#endif

const gr__native_set *gr__native_set_get(gr__isa isa)
{
#if defined(__x86_64__)
    if (isa == GR__ISA_AVX512) return &gr__native_set_avx512;
    if (isa == GR__ISA_AVX2) return &gr__native_set_avx2;
#endif
    (void)isa;
    return &gr__native_set_baseline;
}
