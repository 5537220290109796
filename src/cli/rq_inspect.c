/* ochre-rq inspect: what symbol files hold. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/rq_command.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/mem.h"

static void show_object(const struct rq_oti *oti, const uint8_t object[32])
{
    uint8_t octets[RQ_OTI_SIZE];
    char hex[65];

    rq_oti_put(octets, oti);
    printf("object      %s\n", hex_encode(hex, object, 32));
    printf("length      %" PRIu64 "\n", oti->F);
    printf("symbol size %u\n", oti->T);
    printf("blocks      %u, sub-blocks %u, alignment %u\n", oti->Z, oti->N, oti->Al);
    printf("OTI         %s\n", hex_encode(hex, octets, sizeof(octets)));
}

static int inspect_file(const char *path)
{
    struct buf octets = {0};
    struct rqs_header h;
    struct rq_block b;
    const char *why = "cannot be read, or is too large for a symbol file";

    if (!path_exists(path))
        return rqc_fail("%s: No such file or directory", path);
    if (fs_read_file(path, RQS_HEADER + RQ_T_MAX, &octets) == ERR_OK)
        why = rqs_get(&h, octets.data, octets.len);
    buf_clear(&octets);
    if (why)
        return rqc_fail("%s: %s", path, why);
    if (rq_oti_block(&h.oti, h.id.sbn, &b) != RQ_OK)
        return rqc_fail("%s: damaged", path);
    show_object(&h.oti, h.object);
    printf("symbol      block %u, id %u (%s), intact\n", h.id.sbn, h.id.esi,
           h.id.esi < b.K ? "source" : "repair");
    return 0;
}

/* Can the symbols of a block decode it? Ids decide that, so one octet each will do. */
static bool decodable(struct rq_ctx *ctx, const struct rqs_entry *e, size_t n,
                      uint32_t K)
{
    struct rq_shape shape = {K, 1, 1, 1};
    uint8_t *dst = xmalloc(K), zero = 0;
    struct rq_dec *dec = NULL;
    int rc = rq_dec_new(ctx, &dec);

    if (rc == RQ_OK)
        rc = rq_dec_open(dec, &shape, dst, K, (uint32_t)(n ? n : 1));
    for (size_t i = 0; i < n && rc >= 0 && rc != RQ_DECODED; i++)
        rc = rq_dec_add(dec, e[i].id.esi, &zero);
    if (rc >= 0)
        rc = rq_dec_check(dec);
    rq_dec_free(dec);
    free(dst);
    return rc == RQ_OK;
}

static int inspect_dir(const struct rqc_options *o, const char *path)
{
    struct rqs_dir dir;
    struct rq_ctx *ctx;
    bool all = true;

    if (!rqs_scan(&dir, path, o->has_object ? o->object : NULL))
        return 1;
    if (rq_ctx_new(&ctx, NULL) != RQ_OK) {
        rqs_dir_clear(&dir);
        return rqc_fail("out of memory");
    }
    show_object(&dir.oti, dir.object);
    printf("files       %zu intact, %zu damaged, %zu foreign, %zu copies\n", dir.n,
           dir.damaged, dir.foreign, dir.copies);
    for (uint32_t sbn = 0; sbn < dir.oti.Z; sbn++) {
        size_t n, sources = 0;
        const struct rqs_entry *e = rqs_block(&dir, sbn, &n);
        struct rq_block b = {0};
        bool ok;

        if (rq_oti_block(&dir.oti, sbn, &b) != RQ_OK)
            break;
        while (sources < n && e[sources].id.esi < b.K)
            sources++;
        ok = decodable(ctx, e, n, b.K);
        all = all && ok;
        printf("block %-5u %u source symbols: %zu of them and %zu repair symbols here, "
               "%s\n",
               sbn, b.K, sources, n - sources, ok ? "decodable" : "NOT decodable");
    }
    rq_ctx_free(ctx);
    rqs_dir_clear(&dir);
    return all ? 0 : 1;
}

int rqc_inspect(const struct rqc_options *o, const char *path)
{
    return path_is_dir(path) ? inspect_dir(o, path) : inspect_file(path);
}
