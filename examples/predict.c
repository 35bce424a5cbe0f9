/* Using a model in a program of its own: it is opened, and predicts from raw numbers. The model is that of
 * examples/train.c, or another one of two numbers; points of any number may be given.
 *
 *   cc predict.c $(pkg-config --cflags --libs gradus) && ./a.out [MODEL X Y ...] */
#include <gradus/gradus.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 100 };

int main(int argc, char **argv)
{
    float x[MOST][2] = {{50, 61}, {50, 19}, {22, 50}, {44, 44}}, y[MOST][2];
    int n = argc > 3 ? (argc - 2) / 2 : 4;
    gr_context *ctx;
    gr_model *m;
    for (int i = 0; i < 2 * n && argc > 3 && n <= MOST; i++) x[i / 2][i % 2] = (float)atof(argv[2 + i]);
    if (n > MOST || gr_context_create(NULL, &ctx) != GR_OK) return 1;
    if (gr_model_open(ctx, argc > 1 ? argv[1] : "runs/rings/best.safetensors", &m) != GR_OK ||
        gr_model_predict(m, x[0], n, y[0]) != GR_OK) {
        fprintf(stderr, "%s\n", gr_context_error(ctx)->message);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        int k = y[i][1] > y[i][0];
        printf("%g, %g: %s  %.4f\n", (double)x[i][0], (double)x[i][1], gr_model_class_name(m, 0, k), (double)y[i][k]);
    }
    gr_model_close(m);
    gr_context_destroy(ctx);
    return 0;
}
