/* A script run under any flags and rules on a stack of its own, verified as an output,
 * described, and shown as text.
 *
 *   u32 flags, u8 rules, u8 n, n x { u8 length, octets }, script */
#include "fuzz.h"

#include "chain/script/descriptor.h"
#include "chain/script/interpreter.h"
#include "chain/script/solver.h"
#include "crypto/secp.h"

#define MAX_ITEMS 16

static const uint8_t one_input[] = {
    2, 0, 0, 0, 1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 1, 0, 0, 0, 0, 9, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0,
    0, 1, 81, 99, 0, 0, 0,
};

static void run(struct bytes script, const struct bytes *items, uint32_t n,
                uint32_t flags, enum sig_version version)
{
    struct txout spent = {amount_of(5), script};
    struct sighash_data data;
    enum script_error e;
    struct tx *tx = tx_from_bytes(one_input, sizeof(one_input), true);
    ASSERT(tx != NULL);
    sighash_data_init(&data, tx, &spent, true);
    struct sig_checker checker = {&data, 0, spent.value, NULL, false};
    bool ok = script_eval(script, items, n, flags, version, &checker, &e);
    ASSERT(ok == (e == SCRIPT_ERR_OK));
    if (flags & (SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_CLEANSTACK))
        flags |= SCRIPT_VERIFY_P2SH;
    if (flags & SCRIPT_VERIFY_CLEANSTACK)
        flags |= SCRIPT_VERIFY_WITNESS;
    ok = script_verify(n > 0 ? items[0] : bytes_of(NULL, 0), script, items, n, flags,
                       &checker, &e);
    ASSERT(ok == (e == SCRIPT_ERR_OK));
    sighash_data_clear(&data);
    tx_unref(tx);
}

static void show(struct bytes script)
{
    struct chain_params p;
    struct script_solution s;
    struct destination d;
    struct buf text = {0}, back = {0};
    bool known = chain_params_get(&p, BITCOIN, "regtest");
    ASSERT(known);
    script_to_asm(&text, script, true);
    script_solve(&s, script);
    if (destination_from_script(&d, script)) {
        destination_to_script(&back, &d);
        ASSERT(bytes_equal(buf_view(&back), script));
    }
    script_sigops(script, true);
    buf_reset(&text);
    descriptor_infer(&text, &p, script, NULL);
    buf_clear(&text);
    buf_clear(&back);
}

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
    secp_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum sig_version versions[] = {SIG_BASE, SIG_WITNESS_V0,
                                                SIG_TAPSCRIPT};
    struct bytes items[MAX_ITEMS];
    struct reader r;
    reader_init(&r, data, size);
    uint32_t flags = read_u32(&r) & ((1u << 21) - 1);
    enum sig_version version = versions[read_u8(&r) % ARRAY_LEN(versions)];
    uint32_t n = read_u8(&r) % (MAX_ITEMS + 1);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t len = read_u8(&r);
        items[i] = bytes_of(read_bytes(&r, len), len);
    }
    if (r.bad)
        return 0;
    struct bytes script = bytes_of(r.pos, reader_left(&r));
    run(script, items, n, flags, version);
    show(script);
    return 0;
}
