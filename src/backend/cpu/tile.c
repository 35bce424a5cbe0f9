/* Which interpreter runs. */
#include "backend/cpu/tile.h"

extern const gr__tile_set gr__tile_set_baseline;
#if defined(__x86_64__)
extern const gr__tile_set gr__tile_set_avx2, gr__tile_set_avx512;
#endif

const gr__tile_set *gr__tile_set_get(gr__isa isa)
{
#if defined(__x86_64__)
    if (isa == GR__ISA_AVX512) return &gr__tile_set_avx512;
    if (isa == GR__ISA_AVX2) return &gr__tile_set_avx2;
#endif
    (void)isa;
    return &gr__tile_set_baseline;
}
