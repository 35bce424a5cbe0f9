/* OGG sounds. */
#include "sound.h"

/* libsndfile 1.2.0 forgets a few kilobytes of libvorbis' where the headers of a file are damaged: not ours to give
 * back.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:vorbis_info_init\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return try_sounds(data, n);
}
