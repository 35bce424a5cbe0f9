/* PNM files: their heads, and their pixels as large as they are and resized in every way. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return try_picture(data, n, GR__PNM);
}
