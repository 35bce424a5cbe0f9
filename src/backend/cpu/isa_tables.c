/* The tables that files compiled once an instruction set leave behind, by instruction set. */
#include "backend/cpu/attention_rows.h"
#include "backend/cpu/contract_depthwise.h"
#include "backend/cpu/contract_winograd.h"
#include "backend/cpu/contract_zeros.h"
#include "backend/cpu/native.h"
#include "backend/cpu/packed.h"
#include "backend/cpu/tile.h"

#if defined(__x86_64__)
#define TABLE(type)                                                                       \
    extern const type type##_baseline, type##_avx2, type##_avx512;                        \
    const type *type##_get(gr__isa isa)                                                   \
    {                                                                                     \
        static const type *const of[] = {&type##_baseline, &type##_avx2, &type##_avx512}; \
        return of[isa];                                                                   \
    }
#else
#define TABLE(type)                     \
    extern const type type##_baseline;  \
    const type *type##_get(gr__isa isa) \
    {                                   \
        (void)isa;                      \
        return &type##_baseline;        \
    }
#endif

TABLE(gr__tile_set)
TABLE(gr__native_set)
TABLE(gr__tile_ops)
TABLE(gr__winograd_ops)
TABLE(gr__zeros_ops)
TABLE(gr__attention_rows)
TABLE(gr__depth_ops)
TABLE(gr__packed_loops)
