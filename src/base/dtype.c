#include "base/dtype.h"

#include <stdint.h>

size_t gr__element_bytes(gr_element e)
{
    static const size_t bytes[] = {[GR_EL_U8] = sizeof(uint8_t),
                                   [GR_EL_F32] = sizeof(float),
                                   [GR_EL_F64] = sizeof(double),
                                   [GR_EL_I32] = sizeof(int32_t)};
    return bytes[e];
}

const char *gr__element_name(gr_element e)
{
    static const char *const names[] = {
        [GR_EL_U8] = "uint8", [GR_EL_F32] = "float32", [GR_EL_F64] = "float64", [GR_EL_I32] = "int32"};
    return names[e];
}

const char *gr__dtype_text(gr_dtype t)
{
    static const char *const text[] = {[GR_REAL] = "real", [GR_I32] = "i32", [GR_U8] = "u8"};
    return text[t];
}

gr_element gr__dtype_element(gr_dtype t, gr_element real)
{
    const gr_element element[] = {[GR_REAL] = real, [GR_I32] = GR_EL_I32, [GR_U8] = GR_EL_U8};
    return element[t];
}

size_t gr__dtype_bytes(gr_dtype t, gr_element real)
{
    return gr__element_bytes(gr__dtype_element(t, real));
}
