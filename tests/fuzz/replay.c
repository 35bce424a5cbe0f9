/* Gives each file named as argument to a fuzz target, without the fuzzer: linked with one fuzz_*.c in its place. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int main(int n_files, char **file)
{
    if (n_files < 2) return fprintf(stderr, "replay: no file is given\n"), 1;
    for (int i = 1; i < n_files; i++) {
        FILE *in = fopen(file[i], "rb");
        long n = -1;
        if (in && fseek(in, 0, SEEK_END) == 0) n = ftell(in);
        unsigned char *data = n >= 0 ? malloc((size_t)n + 1) : NULL;
        if (!data || fseek(in, 0, SEEK_SET) != 0 || fread(data, 1, (size_t)n, in) != (size_t)n) {
            fprintf(stderr, "replay: cannot read %s\n", file[i]);
            return 1;
        }
        fclose(in);
        LLVMFuzzerTestOneInput(data, (size_t)n);
        free(data);
        printf("%s: fine\n", file[i]);
    }
    return 0;
}
