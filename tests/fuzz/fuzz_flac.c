/* FLAC sounds. */
#include "sound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return try_sounds(data, n);
}
