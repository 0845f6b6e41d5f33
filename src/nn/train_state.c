/* train_state.c: where a run stands, as JSON text in a checkpoint's metadata. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "train_impl.h"
#include "wengert/io.h"

const char wg__train_key[] = "wengert.train";

/* ---- which program ---- */

/* All that is recorded counts; metadata, weights and call sites do not. */
wg_status wg__train_print(wg_train *t, wg_error *error)
{
    static const char *const apart[] = { "metadata", "extensions", "schedulers", "debug" };
    wg_save_options options = { .function = t->train.name, .compact = true };
    char *text = NULL, *rest = NULL;
    json_t *root = NULL;
    size_t n;
    wg_status status;

    if (t->print[0]) return WG_OK;
    status = wg_save_text(t->g, NULL, &options, &text, &n, error);
    if (status != WG_OK) return status;
    root = json_loadb(text, n, 0, NULL);
    wg_free(text);
    for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++) json_object_del(root, apart[i]);
    rest = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!rest) return wg_fail(error, WG_ENOMEM, "wg_train", "out of memory");
    snprintf(t->print, sizeof t->print, "%016llx", (unsigned long long)wg_random_key(rest));
    free(rest);
    return WG_OK;
}

/* ---- members, named once ---- */

static const int64_t MOST = INT64_C(1) << 53; /* of any count */

typedef struct {
    const char *name;
    int64_t *i;
    double *d;
} member;

/* What the run goes on from. */
enum { N_MEMBERS = 12 };
static void list_members(wg_train *t, member m[N_MEMBERS])
{
    const member list[N_MEMBERS] = {
        { "epoch", &t->s.epoch, NULL },
        { "batch", &t->s.batch, NULL },
        { "step", &t->s.step, NULL },
        { "examples", &t->s.examples, NULL },
        { "sum", NULL, &t->sum },
        { "loss", NULL, &t->s.loss },
        { "smoothed", NULL, &t->s.smoothed },
        { "previous", NULL, &t->s.previous },
        { "validation", NULL, &t->s.validation },
        { "best", NULL, &t->s.best },
        { "best_epoch", &t->s.best_epoch, NULL },
        { "waited", &t->s.waited, NULL },
    };

    memcpy(m, list, sizeof list);
}

/* What must be the same for it to go on. */
static json_t *settings(const wg_train *t)
{
    const char *source = t->o.source ? t->o.source->name : NULL;
    json_t *root;
    char seed[24];

    snprintf(seed, sizeof seed, "%llu", (unsigned long long)t->o.seed);
    root = json_pack("{s:s, s:I, s:I, s:b, s:b, s:f}", "seed", seed, "batchsize",
                     (json_int_t)t->o.batchsize, "examples", (json_int_t)t->train.examples,
                     "in_order", t->o.in_order, "drop_last", t->o.drop_last, "validation_split",
                     t->o.validation_split);
    if (source && root && json_object_set_new(root, "source", json_string(source)) != 0) {
        json_decref(root);
        root = NULL;
    }
    return root;
}

char *wg__train_state_text(const wg_train *t)
{
    wg_train copy = *t;
    json_t *root = json_pack("{s:s, s:s, s:o}", "function", t->train.name, "program", t->print,
                             "settings", settings(t));
    member m[N_MEMBERS];
    char *text, *own;

    /* From a callback of an epoch: what follows it is done in the state that is saved. */
    if (copy.s.batch == 0 && copy.s.examples > 0) {
        copy.s.previous = copy.s.mean;
        copy.s.examples = 0;
        copy.sum = 0;
    }
    list_members(&copy, m);
    for (int i = 0; root && i < N_MEMBERS; i++)
        json_object_set_new(root, m[i].name,
                            m[i].i              ? json_integer(*m[i].i)
                            : isfinite(*m[i].d) ? json_real(*m[i].d)
                                                : json_null());
    text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    own = wg_text_copy(text);
    free(text);
    json_decref(root);
    return own;
}

static wg_status damaged(const char *file, const char *what, wg_error *error)
{
    return wg_fail(error, WG_EFORMAT, "wg_train_new", "%s: its state of the run is damaged: \"%s\"",
                   file, what);
}

static wg_status same_settings(const wg_train *t, const json_t *root, const char *file,
                               wg_error *error)
{
    json_t *own = settings(t), *theirs = json_object_get(root, "settings"), *value;
    const char *key;
    wg_status status = own ? WG_OK : wg_fail(error, WG_ENOMEM, "wg_train_new", "out of memory");

    json_object_foreach(own, key, value)
    {
        const json_t *there = json_object_get(theirs, key);
        char *a, *b;

        if (there && json_equal(there, value)) continue;
        a = json_dumps(there, JSON_ENCODE_ANY);
        b = json_dumps(value, JSON_ENCODE_ANY);
        status = wg_fail(error, WG_EARG, "wg_train_new",
                         "%s: was made with %s %s, not %s: its batches are others", file, key,
                         a ? a : "missing", b ? b : "?");
        free(a);
        free(b);
        break;
    }
    json_decref(own);
    return status;
}

wg_status wg__train_state_read(wg_train *t, const char *text, const char *file, wg_error *error)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *function = json_string_value(json_object_get(root, "function"));
    const char *theirs = json_string_value(json_object_get(root, "program"));
    wg_train read = *t;
    member m[N_MEMBERS];
    wg_status status = WG_OK;

    if (!function || !theirs) status = damaged(file, function ? "program" : "function", error);
    else if (strcmp(function, t->train.name) != 0)
        status = wg_fail(error, WG_EARG, "wg_train_new",
                         "%s: is of another run: it trains \"%.60s\", not \"%.60s\"", file,
                         function, t->train.name);
    else if (strcmp(theirs, t->print) != 0)
        status = wg_fail(error, WG_EARG, "wg_train_new",
                         "%s: is of another model: the operations of function \"%.60s\" differ",
                         file, t->train.name);
    if (status == WG_OK) status = same_settings(t, root, file, error);
    list_members(&read, m);
    for (int i = 0; status == WG_OK && i < N_MEMBERS; i++) {
        const json_t *v = json_object_get(root, m[i].name);

        if (m[i].i ? !json_is_integer(v) : !json_is_real(v) && !json_is_null(v))
            status = damaged(file, m[i].name, error);
        else if (m[i].i) *m[i].i = json_integer_value(v);
        else *m[i].d = json_is_null(v) ? NAN : json_real_value(v);
        if (status == WG_OK && m[i].i && (*m[i].i < 0 || *m[i].i > MOST))
            status = damaged(file, m[i].name, error);
    }
    json_decref(root);
    if (status == WG_OK && t->batches && read.s.batch > wg_batches_count(t->batches))
        status = damaged(file, "batch", error);
    if (status != WG_OK) return status;
    t->s = read.s;
    t->sum = read.sum;
    t->s.mean = t->s.examples > 0 ? t->sum / (double)t->s.examples : t->s.previous;
    t->s.lr = t->lr ? *t->lr : NAN;
    return WG_OK;
}
