/* The tests run on every device that a recipe may name, and on no other. */
#include <string.h>

#include "model/section.h"
#include "support/devices.h"
#include "test.h"

static bool is_tested(const gr_backend *b)
{
    for (int i = 0; i < n_devices; i++)
        if (devices[i].backend == b) return true;
    return false;
}

static void every_device_of_a_recipe_is_tested(void **state)
{
    (void)state;
    const gr_row *row = NULL;
    for (int i = 0; i < gr__section_recipe.n_rows; i++)
        if (strcmp(gr__section_recipe.rows[i].name, "device") == 0) row = &gr__section_recipe.rows[i];
    assert_non_null(row);
    char words[100], *rest;
    int n = 0;
    assert_true(strlen(row->range) < sizeof words);
    strcpy(words, row->range);
    for (char *w = strtok_r(words, "|", &rest); w; w = strtok_r(NULL, "|", &rest)) {
        const gr_backend *b = gr_backend_get(w); /* NULL: auto, and what is still to come */
        if (b && !is_tested(b)) fail_msg("device %s is not in tests/support/devices.c", w);
        n += b != NULL;
    }
    assert_int_equal(n, n_devices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_device_of_a_recipe_is_tested)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
