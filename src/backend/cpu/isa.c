#include "backend/cpu/isa.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const names[GR__ISA_COUNT] = {"baseline", "avx2", "avx512"};

const char *gr__isa_name(gr__isa isa)
{
    return isa >= 0 && isa < GR__ISA_COUNT ? names[isa] : "unknown";
}

#if defined(__x86_64__)
/* clang's __builtin_cpu_supports does not know it. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

int gr__isa_supported(gr__isa isa)
{
    if (isa == GR__ISA_BASELINE) return 1;
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    if (isa == GR__ISA_AVX2) return avx2;
    if (isa == GR__ISA_AVX512)
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
    return 0;
}

gr__isa gr__isa_chosen(void)
{
    const char *wanted = getenv("GRADUS_ISA");
    if (wanted != NULL)
        for (int i = 0; i < GR__ISA_COUNT; i++)
            if (strcmp(wanted, names[i]) == 0 && gr__isa_supported((gr__isa)i)) return (gr__isa)i;
    for (int i = GR__ISA_COUNT - 1; i > 0; i--)
        if (gr__isa_supported((gr__isa)i)) return (gr__isa)i;
    return GR__ISA_BASELINE;
}
