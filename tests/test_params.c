/* test_params.c: the store: entries, claims, values, fills, copies; and the generator its fills come from. */
#include <wengert.h>
#include <wengert/op.h>

#include "graph/internal.h"
#include "harness.h"

static wg_params *store_with_w(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);

    wg_params_add(w, "fc/W", WG_F32, WG_SHAPE(2, 3), true, NULL, NULL);
    return w;
}

static void a_new_store_holds_the_random_state(void)
{
    wg_params *w = wg_params_new(WG_F64, 0xfedcba9876543210u);

    EQ_INT(wg_params_count(w), 2);
    EQ_STR(wg_params_at(w, 0)->name, "rng/seed");
    EQ_STR(wg_params_at(w, 1)->name, "rng/run");
    EQ_INT(*(int64_t *)wg_params_at(w, 0)->value.data, (int64_t)0xfedcba9876543210u);
    EQ_INT(wg_params_dtype(w), WG_F64);
    CHECK(wg_params_seed(w) == 0xfedcba9876543210u);
    CHECK(!wg_params_at(w, 0)->trainable);
    CHECK(wg_params_at(w, 2) == NULL && wg_params_at(w, -1) == NULL);
    wg_params_free(w);
    CHECK(wg_params_new(WG_I64, 1) == NULL);
    wg_params_free(NULL);
}

static void entries_are_claimed_once(void)
{
    wg_params *w = store_with_w();
    wg_error error = { .code = WG_OK };

    EQ_INT(wg_params_add(w, "fc/W", WG_F32, WG_SHAPE(2, 3), true, NULL, &error), WG_ENAME);
    ERROR_IS(&error, WG_ENAME,
             "params_add: \"fc/W\" belongs to somebody already: give each layer its own name, or "
             "use one layer twice",
             NULL);
    error.code = WG_OK;
    EQ_INT(wg_params_add(w, "", WG_F32, WG_SHAPE(1), true, NULL, &error), WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "params_add: the entry's name is empty", NULL);
    error.code = WG_OK;
    EQ_INT(wg_params_add(w, "big", WG_F32, WG_SHAPE(INT64_MAX, 8), true, NULL, &error), WG_ELIMIT);
    wg_params_free(w);
}

static void loaded_entries_keep_their_values(void)
{
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_type type = { WG_F32, WG_SHAPE(2) };
    wg_param *p;
    wg_error error = { .code = WG_OK };
    bool fresh = true;

    wg__params_load_entry(w, "b", &type, true, &p, NULL);
    ((float *)p->value.data)[1] = 5;
    EQ_INT(wg_params_add(w, "b", WG_F32, WG_SHAPE(3), true, &fresh, &error), WG_ESHAPE);
    ERROR_IS(&error, WG_ESHAPE, "params_add: \"b\" was loaded as f32[2], wanted f32[3]", NULL);
    EQ_INT(wg_params_add(w, "b", WG_F32, WG_SHAPE(2), true, &fresh, NULL), WG_OK);
    CHECK(!fresh);
    CLOSE1(((float *)wg_params_find(w, "b")->value.data)[1], 5, 0, 0);
    wg_params_free(w);
}

static void get_and_set_check_types(void)
{
    wg_params *w = store_with_w();
    float in[6] = { 1, 2, 3, 4, 5, 6 }, out[6];
    wg_error error = { .code = WG_OK };

    EQ_INT(wg_params_set(w, "fc/W", WG_F32_ARRAY(in, 2, 3), NULL), WG_OK);
    EQ_INT(wg_params_get(w, "fc/W", WG_F32_ARRAY(out, 2, 3), NULL), WG_OK);
    CLOSE(out, in, 6, 0, 0);
    EQ_INT(wg_params_set(w, "fc/W", WG_F32_ARRAY(in, 3, 2), &error), WG_ESHAPE);
    ERROR_IS(&error, WG_ESHAPE, "params_set: \"fc/W\" is f32[2 x 3], the array f32[3 x 2]", NULL);
    error.code = WG_OK;
    EQ_INT(wg_params_get(w, "fc/V", WG_F32_ARRAY(out, 2, 3), &error), WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "params_get: the store has no entry \"fc/V\"", NULL);
    EQ_INT(wg_params_get(w, "fc/W", WG_F64_ARRAY(out, 2, 3), NULL), WG_EDTYPE);
    EQ_INT(wg_params_set(w, "fc/W", WG_F32_ARRAY(NULL, 2, 3), NULL), WG_EARG);
    EQ_INT(wg_params_set(w, NULL, WG_F32_ARRAY(in, 2, 3), NULL), WG_ENAME);
    wg_params_free(w);
}

static void trainable_by_name_or_folder(void)
{
    wg_params *w = store_with_w();

    wg_params_add(w, "fc/b", WG_F32, WG_SHAPE(3), true, NULL, NULL);
    EQ_INT(wg_params_set_trainable(w, "fc/", false, NULL), WG_OK);
    CHECK(!wg_params_find(w, "fc/W")->trainable && !wg_params_find(w, "fc/b")->trainable);
    EQ_INT(wg_params_set_trainable(w, "fc/b", true, NULL), WG_OK);
    CHECK(!wg_params_find(w, "fc/W")->trainable && wg_params_find(w, "fc/b")->trainable);
    EQ_INT(wg_params_set_trainable(w, "fd/", true, NULL), WG_ENAME);
    wg_params_free(w);
}

static void fills_depend_on_seed_and_name(void)
{
    wg_params *a = store_with_w(), *b = wg_params_new(WG_F32, 3), *c = wg_params_new(WG_F32, 4);
    const float *x = wg_params_find(a, "fc/W")->value.data;

    wg_params_add(b, "other", WG_F32, WG_SHAPE(2, 3), true, NULL, NULL);
    wg_params_add(b, "fc/W", WG_F32, WG_SHAPE(2, 3), true, NULL, NULL);
    wg_params_add(c, "fc/W", WG_F32, WG_SHAPE(2, 3), true, NULL, NULL);
    wg_params_fill_uniform(a, "fc/W", -1, 1, NULL);
    wg_params_fill_uniform(b, "fc/W", -1, 1, NULL);
    wg_params_fill_uniform(b, "other", -1, 1, NULL);
    wg_params_fill_uniform(c, "fc/W", -1, 1, NULL);
    SAME_BITS(x, wg_params_find(b, "fc/W")->value.data, 24);
    CHECK(memcmp(x, wg_params_find(b, "other")->value.data, 24) != 0);
    CHECK(memcmp(x, wg_params_find(c, "fc/W")->value.data, 24) != 0);
    for (int i = 0; i < 6; i++) CHECK(x[i] >= -1 && x[i] < 1);
    wg_params_fill(a, "fc/W", 0.5, NULL);
    for (int i = 0; i < 6; i++) CLOSE1(x[i], 0.5, 0, 0);
    EQ_INT(wg_params_fill(a, "rng/run", 0.5, NULL), WG_EARG);
    EQ_INT(wg_params_fill_normal(a, "rng/run", 0, 1, NULL), WG_EDTYPE);
    EQ_INT(wg_params_fill_normal(a, "absent", 0, 1, NULL), WG_ENAME);
    wg_params_free(a);
    wg_params_free(b);
    wg_params_free(c);
}

static void copies_are_deep_and_convert(void)
{
    wg_params *w = store_with_w(), *d;
    double got[6];

    wg_params_fill_normal(w, "fc/W", 1, 2, NULL);
    d = wg_params_copy(w, WG_F64);
    EQ_INT(wg_params_count(d), 3);
    EQ_INT(wg_params_get(d, "fc/W", WG_F64_ARRAY(got, 2, 3), NULL), WG_OK);
    CLOSE(got, (const float *)wg_params_find(w, "fc/W")->value.data, 6, 0, 0);
    EQ_INT(wg_params_find(d, "rng/run")->value.type.dtype, WG_I64);
    CHECK(wg_params_find(d, "fc/W")->trainable);
    wg_params_free(w);
    wg_params_free(d);
    CHECK(wg_params_copy(NULL, WG_F64) == NULL);
}

/* The generator's published first block: key 0, counter 0 (Random123, kat_vectors, philox4x32 10). */
static void philox_known_answer(void)
{
    static const uint32_t want[4] = { 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u };
    float u[4];
    double d[2];

    wg_random_uniform(0, 0, 0, 0, 4, WG_F32, u);
    for (int i = 0; i < 4; i++) CLOSE1(u[i], (double)(want[i] >> 8) * 0x1p-24, 0, 0);
    wg_random_uniform(0, 0, 0, 0, 2, WG_F64, d);
    CLOSE1(d[0], (double)(((uint64_t)want[0] << 32 | want[1]) >> 11) * 0x1p-53, 0, 0);
}

static void draws_depend_on_the_index_alone(void)
{
    float whole[64], part[64];
    double normal[9], later[4];

    wg_random_uniform(1, 2, 3, 0, 64, WG_F32, whole);
    for (int at = 0; at < 64; at += 7)
        wg_random_uniform(1, 2, 3, at, 64 - at < 7 ? 64 - at : 7, WG_F32, part + at);
    SAME_BITS(whole, part, sizeof whole);
    wg_random_normal(1, 2, 3, 0, 9, WG_F64, normal);
    wg_random_normal(1, 2, 3, 5, 4, WG_F64, later);
    SAME_BITS(normal + 5, later, sizeof later);
    wg_random_uniform(1, 2, 4, 0, 64, WG_F32, part);
    CHECK(memcmp(whole, part, sizeof whole) != 0);
}

TESTS(TEST(a_new_store_holds_the_random_state), TEST(entries_are_claimed_once),
      TEST(loaded_entries_keep_their_values), TEST(get_and_set_check_types),
      TEST(trainable_by_name_or_folder), TEST(fills_depend_on_seed_and_name),
      TEST(copies_are_deep_and_convert), TEST(philox_known_answer),
      TEST(draws_depend_on_the_index_alone))
