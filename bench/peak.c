/* GFLOP/s that this machine's multiply-adds reach on so many threads at once, which may share a core:
 *
 *     cc -O2 -std=gnu11 -D_GNU_SOURCE bench/peak.c -o peak -lpthread;  peak THREADS avx2|avx512 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peak.h"

enum { MOST_THREADS = 64 };

static double (*chosen)(void);

static void *one(void *rate)
{
    *(double *)rate = chosen();
    return NULL;
}

int main(int argc, char **argv)
{
    int n = argc == 3 ? atoi(argv[1]) : 0;
#if defined(__x86_64__)
    if (n > 0 && !strcmp(argv[2], "avx2")) chosen = peak_avx2;
    if (n > 0 && !strcmp(argv[2], "avx512")) chosen = peak_avx512;
#endif
    if (n < 1 || n > MOST_THREADS || !chosen) {
        fprintf(stderr, "usage: peak THREADS avx2|avx512\n");
        return 2;
    }
    pthread_t thread[MOST_THREADS];
    double rate[MOST_THREADS], sum = 0;
    for (int i = 0; i < n; i++)
        if (pthread_create(&thread[i], NULL, one, &rate[i]) != 0) return 1;
    for (int i = 0; i < n; i++) {
        pthread_join(thread[i], NULL);
        sum += rate[i];
    }
    printf("%.1f\n", sum / 1e9);
    return 0;
}
