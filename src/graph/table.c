/* table.c: hash tables: names to numbers, and hashes to candidates. Open addressing, linear
 * probing, no deletion. */
#include <string.h>

#include "internal.h"

struct wg_slot {
    const char *key;
    uint64_t hash;
    int64_t value;
};

/* Half of the hash does: the table has fewer slots, and few lines of the cache. */
struct wg_hash_slot {
    uint32_t key;
    int32_t value; /* -1: empty */
};

uint64_t wg__mix(uint64_t h, uint64_t v)
{
    h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

uint64_t wg__hash_bytes(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;

    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;

        memcpy(&word, p, 8);
        h = wg__mix(h, word);
    }
    for (; n > 0; p++, n--) h = wg__mix(h, *p);
    return h;
}

static uint64_t text_hash(const char *s)
{
    return wg__hash_bytes(0x2545f4914f6cdd1du, s, strlen(s));
}

static struct wg_slot *slot_of(const wg_table *t, const char *key, uint64_t hash)
{
    int64_t i = (int64_t)(hash & (uint64_t)(t->cap - 1));

    while (t->slot[i].key && (t->slot[i].hash != hash || strcmp(t->slot[i].key, key) != 0))
        i = (i + 1) & (t->cap - 1);
    return &t->slot[i];
}

void wg__table_free(wg_table *t)
{
    wg__release(t->slot);
    *t = (wg_table){ NULL, 0, 0 };
}

int64_t wg__table_get(const wg_table *t, const char *key)
{
    const struct wg_slot *s;

    if (t->n == 0) return -1;
    s = slot_of(t, key, text_hash(key));
    return s->key ? s->value : -1;
}

static bool table_widen(wg_table *t)
{
    wg_table wide = { NULL, t->n, t->cap ? t->cap * 2 : 8 };

    wide.slot = wg__array(wide.cap, sizeof *wide.slot);
    if (!wide.slot) return false;
    memset(wide.slot, 0, (size_t)wide.cap * sizeof *wide.slot);
    for (int64_t i = 0; i < t->cap; i++)
        if (t->slot[i].key) *slot_of(&wide, t->slot[i].key, t->slot[i].hash) = t->slot[i];
    wg__release(t->slot);
    *t = wide;
    return true;
}

bool wg__table_put(wg_table *t, const char *key, int64_t value)
{
    uint64_t hash = text_hash(key);
    struct wg_slot *s;

    if (t->n * 2 >= t->cap && !table_widen(t)) return false;
    s = slot_of(t, key, hash);
    if (!s->key) t->n++;
    *s = (struct wg_slot){ key, hash, value };
    return true;
}

void wg__hash_free(wg_hash *h)
{
    wg__release(h->slot);
    *h = (wg_hash){ NULL, 0, 0 };
}

int64_t wg__hash_find(const wg_hash *h, uint64_t key, wg_same_fn *same, const void *context)
{
    if (h->n == 0) return -1;
    for (int64_t i = (int64_t)(key & (uint64_t)(h->cap - 1)); h->slot[i].value >= 0;
         i = (i + 1) & (h->cap - 1))
        if (h->slot[i].key == (uint32_t)key && same(context, h->slot[i].value))
            return h->slot[i].value;
    return -1;
}

static void hash_place(wg_hash *h, uint32_t key, int32_t value)
{
    int64_t i = (int64_t)(key & (uint64_t)(h->cap - 1));

    while (h->slot[i].value >= 0) i = (i + 1) & (h->cap - 1);
    h->slot[i] = (struct wg_hash_slot){ key, value };
}

static bool hash_widen(wg_hash *h, int64_t cap)
{
    wg_hash wide = { NULL, h->n, cap };

    wide.slot = wg__array(wide.cap, sizeof *wide.slot);
    if (!wide.slot) return false;
    for (int64_t i = 0; i < wide.cap; i++) wide.slot[i].value = -1;
    for (int64_t i = 0; i < h->cap; i++)
        if (h->slot[i].value >= 0) hash_place(&wide, h->slot[i].key, h->slot[i].value);
    wg__release(h->slot);
    *h = wide;
    return true;
}

bool wg__hash_reserve(wg_hash *h, int64_t n)
{
    int64_t cap = 16;

    while (cap / 2 < n) cap *= 2;
    return cap <= h->cap || hash_widen(h, cap);
}

bool wg__hash_add(wg_hash *h, uint64_t key, int64_t value)
{
    if (h->n * 2 >= h->cap && !hash_widen(h, h->cap ? h->cap * 2 : 16)) return false;
    hash_place(h, (uint32_t)key, (int32_t)value);
    h->n++;
    return true;
}
