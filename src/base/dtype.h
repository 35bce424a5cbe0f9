/* What elements are: of a value of a graph (gr_dtype), where a backend says what a real is, and in memory (gr_element).
 * The one place of their sizes and names. */
#ifndef GR_BASE_DTYPE_H
#define GR_BASE_DTYPE_H

#include <stddef.h>

#include "gradus/graph.h"

typedef enum gr_element { GR_EL_U8, GR_EL_F32, GR_EL_F64, GR_EL_I32 } gr_element;

size_t gr__element_bytes(gr_element e);
const char *gr__element_name(gr_element e); /* "uint8" */

const char *gr__dtype_text(gr_dtype t); /* "real", "i32", "u8" */
/* What an element is in memory where a real is `real`, and how large. */
gr_element gr__dtype_element(gr_dtype t, gr_element real);
size_t gr__dtype_bytes(gr_dtype t, gr_element real);

#endif
