/* Pictures of folders into batches: images a second, decoded anew in every epoch, resized, cropped and flipped.
 *
 *     meson setup build && ninja -C build bench_loading
 *     build/bench_loading FOLDER HEIGHT WIDTH WORKERS EPOCHS [plain]
 *
 * A line an epoch: images a second, most bytes that the process held (KiB), milliseconds of processor time a picture.
 * plain: nothing changes samples. `./dev bench loading` runs this against PyTorch's DataLoader with torchvision. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "data/augment.h"
#include "data/data.h"

enum { BATCH = 64 };

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct bench {
    gr_context *ctx;
    gr__bump *b;
    gr_set set;
    gr_rows rows;
    gr_augmentation augment;
    gr_loader *loader;
} bench;

static gr_status open_all(bench *w, char **argument, bool plain)
{
    int64_t height = atoll(argument[2]), width = atoll(argument[3]);
    gr_status st = GR_OK;
    gr_source_options so = {.folder = ".", .want = GR_TARGET_CLASS, .hold = 1};
    w->b = gr__bump_create(w->ctx);
    char *text = gr__bump_format(w->b, "{type: images, resize: [%lld, %lld]}", (long long)height, (long long)width);
    gr_tree *source = gr__tree_flow(w->b, text);
    gr__tree_put(w->b, source, "folder", gr__tree_text(w->b, argument[1]));
    GR_TRY(gr__set_load(w->ctx, source, &so, &w->set));
    GR_TRY(gr__rows_all(w->ctx, w->set.n, &w->rows));
    const gr_augment_make like = {.x = &w->set.field[0], .shape = GR_SHAPE(height, width, 3)};
    GR_TRY(gr__augmentation_make(w->ctx, w->b, gr__tree_flow(w->b, "[{type: crop, pad: 4}, flip]"), &like, 1,
                                 &w->augment));
    gr_loader_options o = {.set = &w->set,
                           .rows = &w->rows,
                           .batch = BATCH,
                           .shuffle = GR_SHUFFLE_EVERY_EPOCH,
                           .seed = 1,
                           .input = {{.as = GR_EL_F32}},
                           .real = GR_EL_F32,
                           .background = true,
                           .workers = atoi(argument[4])};
    if (!plain) o.augment[0] = &w->augment;
    GR_TRY(gr__loader_create(w->ctx, &o, &w->loader));
done:
    return st;
}

static gr_status run(bench *w, int epochs)
{
    for (int e = 0; e < epochs; e++) {
        struct rusage use;
        int64_t images = 0;
        double start = now(CLOCK_MONOTONIC), busy = now(CLOCK_PROCESS_CPUTIME_ID);
        gr_batch batch = {0};
        while (!batch.last) {
            gr_status st = gr__loader_next(w->loader, &batch);
            if (st != GR_OK) return st;
            images += batch.n;
        }
        getrusage(RUSAGE_SELF, &use);
        double took = now(CLOCK_MONOTONIC) - start;
        busy = now(CLOCK_PROCESS_CPUTIME_ID) - busy;
        printf("%.1f %ld %.4f\n", (double)images / took, use.ru_maxrss, 1e3 * busy / (double)images);
    }
    return GR_OK;
}

int main(int n, char **argument)
{
    bench w = {0};
    if (n < 6) return fprintf(stderr, "usage: bench_loading FOLDER HEIGHT WIDTH WORKERS EPOCHS [plain]\n"), 2;
    int workers = atoi(argument[4]);
    if (gr_context_create(&(gr_context_options){.threads = GR_MAX(workers, 1)}, &w.ctx) != GR_OK) return 1;
    gr_status st = open_all(&w, argument, n > 6 && strcmp(argument[6], "plain") == 0);
    if (st == GR_OK) st = run(&w, atoi(argument[5]));
    if (st != GR_OK) fprintf(stderr, "bench_loading: %s\n", gr_context_error(w.ctx)->message);
    gr__loader_destroy(w.loader);
    gr__rows_free(w.ctx, &w.rows);
    gr__set_free(w.ctx, &w.set);
    gr__bump_destroy(w.b);
    gr_context_destroy(w.ctx);
    return st == GR_OK ? 0 : gr_status_exit_code(st);
}
