/* Names of other software: the maps that come with this, and how axes are turned; a row a tensor. [mission F11] */
#include <string.h>

#include "exchange/foreign.h"
#include "test.h"

typedef struct row {
    const char *map, *from;
    int rank;
    const char *to;   /* NULL: left out */
    const char *axes; /* NULL: as they are */
} row;

static const row rows[] = {
    {NULL, "anything.weight", 2, "anything.weight", NULL},
    {"torchvision", "layer1.0.conv1.weight", 4, "layer1.0.conv1.weight", NULL},
    {"huggingface-bert", "bert.encoder.layer.11.attention.self.query.weight", 2,
     "encoder.layer.11.attention.self.query.weight", NULL},
    {"huggingface-bert", "bert.embeddings.LayerNorm.gamma", 1, "embeddings.LayerNorm.weight", NULL},
    {"huggingface-bert", "encoder.layer.0.output.LayerNorm.beta", 1, "encoder.layer.0.output.LayerNorm.bias", NULL},
    {"huggingface-bert", "bert.embeddings.position_ids", 2, NULL, NULL},
    {"huggingface-bert", "cls.predictions.bias", 1, NULL, NULL},
    {"huggingface-bert", "classifier.weight", 2, "classifier.weight", NULL},
    {"huggingface-gpt2", "h.3.attn.c_attn.weight", 2, "h.3.attention.in_proj_weight", "1 0"},
    {"huggingface-gpt2", "transformer.h.11.attn.c_proj.weight", 2, "h.11.attention.out_proj.weight", "1 0"},
    {"huggingface-gpt2", "transformer.h.11.mlp.c_fc.bias", 1, "h.11.ff1.bias", NULL},
    {"huggingface-gpt2", "h.0.mlp.c_proj.weight", 2, "h.0.ff2.weight", "1 0"},
    {"huggingface-gpt2", "h.0.ln_2.weight", 1, "h.0.norm2.weight", NULL},
    {"huggingface-gpt2", "h.0.attn.bias", 4, NULL, NULL},
    {"huggingface-gpt2", "transformer.wte.weight", 2, "wte.weight", NULL},
    {"huggingface-gpt2", "lm_head.weight", 2, NULL, NULL},
    {"huggingface-gpt2", "ln_f.bias", 1, "ln_f.bias", NULL},
    {"keras", "conv2d/kernel", 4, "conv2d.weight", "3 2 0 1"},
    {"keras", "conv2d/kernel:0", 4, "conv2d.weight", "3 2 0 1"},
    {"keras", "conv1d/kernel", 3, "conv1d.weight", "2 1 0"},
    {"keras", "dense/kernel", 2, "dense.weight", "1 0"},
    {"keras", "dense/bias:0", 1, "dense.bias", NULL},
    {"keras", "dw/depthwise_kernel", 4, "dw.weight", "2 3 0 1"},
    {"keras", "bn/gamma", 1, "bn.weight", NULL},
    {"keras", "bn/beta:0", 1, "bn.bias", NULL},
    {"keras", "bn/moving_variance", 1, "bn.running_var", NULL},
    {"keras", "words/embeddings", 2, "words.weight", NULL},
};

static void maps_name_tensors(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        const row *r = &rows[i];
        gr_context *ctx = test_context();
        gr__bump *b = gr__bump_create(ctx);
        gr_names *names;
        gr_named_as as;
        gr_foreign_tensor t = {.name = r->from, .shape = {.rank = r->rank, .dim = {2, 3, 4, 5}}};
        test_ok(ctx, gr__names_open(ctx, b, r->map, &names));
        test_ok(ctx, gr__names_of(names, &t, &as));
        if (!r->to != !as.name || (r->to && strcmp(r->to, as.name) != 0))
            fail_msg("%s: %s is %s, not %s", r->map, r->from, as.name ? as.name : "left out",
                     r->to ? r->to : "left out");
        if (as.turned != (r->axes != NULL)) fail_msg("%s: %s is%s turned", r->map, r->from, as.turned ? "" : " not");
        for (int k = 0; as.turned && k < r->rank; k++) assert_int_equal(as.axes[k], r->axes[2 * k] - '0');
        test_ok(ctx, gr__names_used(names)); /* of a map that comes with this no line must fit */
        gr__names_close(names);
        gr__bump_destroy(b);
        assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
        test_context_end(ctx);
    }
}

/* All codes of both 16-bit types, by what they stand for. */
static void halves_are_exact(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 65536; code++) {
        uint16_t narrow = (uint16_t)code;
        double x, y;
        gr__foreign_decode(GR__FOREIGN_F16, &narrow, 1, &x);
        gr__foreign_decode(GR__FOREIGN_BF16, &narrow, 1, &y);
        uint64_t sign = (uint64_t)(code >> 15) << 63, power = code >> 10 & 31, bits = sign | (power + 1008) << 52;
        if (power == 31) bits = sign | (uint64_t)2047 << 52;
        bits |= (uint64_t)(code & 1023) << 42;
        double half;
        memcpy(&half, &bits, sizeof half);
        if (power == 0) half = (sign ? -1.0 : 1.0) * (code & 1023) / 16777216;
        uint32_t wide = code << 16;
        float single;
        memcpy(&single, &wide, sizeof single);
        assert_true(x == half || (x != x && half != half));
        assert_true(y == (double)single || (y != y && single != single));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_name_tensors),
        cmocka_unit_test(halves_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
