#include "cli/rq_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "util/fs.h"
#include "util/mem.h"

/* Octets: magic 0..7, OTI 8..19, payload id 20..23, object 24..55, check 56..87. */
#define MAGIC "OCHRERQ1"
enum { AT_OTI = 8, AT_ID = 20, AT_OBJECT = 24, AT_CHECK = 56 };

static void make_check(uint8_t out[32], const uint8_t *header, const uint8_t *symbol,
                       uint32_t T)
{
    struct sha3 h;

    sha3_init(&h);
    sha3_update(&h, header, AT_CHECK);
    sha3_update(&h, symbol, T);
    sha3_final(&h, out);
}

void rqs_put(uint8_t out[RQS_HEADER], struct rqs_header *h, const uint8_t *symbol)
{
    memcpy(out, MAGIC, 8);
    rq_oti_put(out + AT_OTI, &h->oti);
    rq_payload_id_put(out + AT_ID, &h->id);
    memcpy(out + AT_OBJECT, h->object, 32);
    make_check(h->check, out, symbol, h->oti.T);
    memcpy(out + AT_CHECK, h->check, 32);
}

const char *rqs_get(struct rqs_header *out, const uint8_t *in, size_t n)
{
    struct rqs_header h;
    uint8_t check[32];

    if (n < RQS_HEADER || memcmp(in, MAGIC, 8) != 0)
        return "not a symbol file";
    if (rq_oti_get(&h.oti, in + AT_OTI) != RQ_OK)
        return "damaged: impossible transmission information";
    rq_payload_id_get(&h.id, in + AT_ID);
    memcpy(h.object, in + AT_OBJECT, 32);
    memcpy(h.check, in + AT_CHECK, 32);
    if (h.id.sbn >= h.oti.Z)
        return "damaged: its source block does not exist";
    if (n != RQS_HEADER + h.oti.T)
        return n < RQS_HEADER + h.oti.T ? "damaged: cut short" : "damaged: too long";
    make_check(check, in, in + RQS_HEADER, h.oti.T);
    if (memcmp(check, h.check, 32) != 0)
        return "damaged: its SHA3-256 does not match";
    *out = h;
    return NULL;
}

void rqs_name(char out[RQS_NAME], const struct rq_payload_id *id)
{
    snprintf(out, RQS_NAME, "%03u-%08u.rqs", id->sbn, id->esi);
}

/* ---- Directories ---- */

/* A file that is an intact symbol of some object. */
struct candidate {
    struct rqs_header h;
    char *name; /* owned */
};

struct candidates {
    struct candidate *v;
    size_t n, room;
};

static void skipped(const char *name, const char *why)
{
    fprintf(stderr, "ochre-rq: %s: %s; skipped\n", name, why);
}

static void add_candidate(struct candidates *c, const struct rqs_header *h,
                          const char *name)
{
    if (c->n == c->room) {
        c->room = c->room ? 2 * c->room : 256;
        c->v = xrealloc(c->v, c->room * sizeof(*c->v));
    }
    c->v[c->n].h = *h;
    c->v[c->n++].name = xstrdup(name);
}

static void look_at(struct candidates *c, struct rqs_dir *dir, const char *name)
{
    char *path = path_join(dir->path, name);
    struct buf octets = {0};
    struct rqs_header h;
    const char *why = "unreadable or too large for a symbol file";

    if (fs_read_file(path, RQS_HEADER + RQ_T_MAX, &octets) == ERR_OK)
        why = rqs_get(&h, octets.data, octets.len);
    if (!why) {
        add_candidate(c, &h, name);
    } else {
        skipped(name, why);
        if (strncmp(why, "damaged", 7) == 0)
            dir->damaged++;
        else
            dir->foreign++;
    }
    buf_clear(&octets);
    free(path);
}

static int by_object(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    uint8_t ox[RQ_OTI_SIZE], oy[RQ_OTI_SIZE];
    int d = memcmp(x->h.object, y->h.object, 32);

    rq_oti_put(ox, &x->h.oti);
    rq_oti_put(oy, &y->h.oti);
    d = d ? d : memcmp(ox, oy, RQ_OTI_SIZE);
    d = d ? d : (int)x->h.id.sbn - (int)y->h.id.sbn;
    if (d == 0 && x->h.id.esi != y->h.id.esi)
        d = x->h.id.esi < y->h.id.esi ? -1 : 1;
    return d ? d : strcmp(x->name, y->name);
}

static bool same_object(const struct candidate *a, const struct candidate *b)
{
    uint8_t oa[RQ_OTI_SIZE], ob[RQ_OTI_SIZE];

    rq_oti_put(oa, &a->h.oti);
    rq_oti_put(ob, &b->h.oti);
    return memcmp(a->h.object, b->h.object, 32) == 0 &&
           memcmp(oa, ob, RQ_OTI_SIZE) == 0;
}

/* The run of sorted candidates that are of the object asked for, or the longest. */
static size_t pick_object(const struct candidates *c, const uint8_t *want, size_t *len)
{
    size_t best = 0;

    *len = 0;
    for (size_t i = 0, j; i < c->n; i = j) {
        for (j = i + 1; j < c->n && same_object(&c->v[i], &c->v[j]); j++)
            ;
        if (want && memcmp(c->v[i].h.object, want, 32) != 0)
            continue;
        if (j - i > *len) {
            best = i;
            *len = j - i;
        }
    }
    return best;
}

static void take(struct rqs_dir *dir, struct candidates *c, size_t from, size_t len)
{
    dir->entry = xmalloc((len ? len : 1) * sizeof(*dir->entry));
    for (size_t i = 0; i < c->n; i++) {
        struct candidate *x = &c->v[i];
        struct rqs_entry *last = dir->n ? &dir->entry[dir->n - 1] : NULL;

        if (i < from || i >= from + len) {
            skipped(x->name, "belongs to another object");
            dir->foreign++;
            free(x->name);
        } else if (last && last->id.sbn == x->h.id.sbn && last->id.esi == x->h.id.esi) {
            dir->copies++;
            free(x->name);
        } else {
            dir->entry[dir->n++] = (struct rqs_entry){x->h.id, x->name};
        }
    }
    if (len) {
        dir->oti = c->v[from].h.oti;
        memcpy(dir->object, c->v[from].h.object, 32);
    }
    free(c->v);
}

bool rqs_scan(struct rqs_dir *out, const char *path, const uint8_t *want)
{
    struct candidates c = {0};
    struct dirent *e;
    size_t from, len;
    DIR *d = opendir(path);

    if (!d) {
        fprintf(stderr, "ochre-rq: %s: %s\n", path, strerror(errno));
        return false;
    }
    *out = (struct rqs_dir){.path = xstrdup(path)};
    while ((e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            look_at(&c, out, e->d_name);
    closedir(d);
    if (c.n)
        qsort(c.v, c.n, sizeof(*c.v), by_object);
    from = pick_object(&c, want, &len);
    take(out, &c, from, len);
    if (len)
        return true;
    fprintf(stderr, "ochre-rq: %s: no intact symbol file%s\n", path,
            want ? " of this object" : "");
    rqs_dir_clear(out);
    return false;
}

void rqs_dir_clear(struct rqs_dir *dir)
{
    for (size_t i = 0; i < dir->n; i++)
        free(dir->entry[i].name);
    free(dir->entry);
    free(dir->path);
    *dir = (struct rqs_dir){0};
}

/* The first entry not before (sbn, esi). */
static size_t lower_bound(const struct rqs_dir *dir, uint32_t sbn, uint32_t esi)
{
    size_t lo = 0, hi = dir->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const struct rq_payload_id *id = &dir->entry[mid].id;

        if (id->sbn < sbn || (id->sbn == sbn && id->esi < esi))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct rqs_entry *rqs_block(const struct rqs_dir *dir, uint32_t sbn, size_t *n)
{
    size_t from = lower_bound(dir, sbn, 0);

    *n = lower_bound(dir, sbn + 1, 0) - from;
    return dir->entry + from;
}

const struct rqs_entry *rqs_find(const struct rqs_dir *dir,
                                 const struct rq_payload_id *id)
{
    size_t i = lower_bound(dir, id->sbn, id->esi);

    if (i == dir->n || dir->entry[i].id.sbn != id->sbn ||
        dir->entry[i].id.esi != id->esi)
        return NULL;
    return &dir->entry[i];
}
