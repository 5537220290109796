/* The file of loadtxoutset: what is read and written again is read as the same. */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chain/store/utxo_file.h"
#include "chain/store/utxo_hash.h"
#include "crypto/secp.h"

#define MAX_HEIGHT 500000

/* What a file says, as octets; @w (may be NULL) gets it again. */
static void read_all(struct utxo_reader *r, struct buf *out, struct utxo_writer *w)
{
    struct outpoint o;
    struct coin c;
    struct bytes key, value;
    enum utxo_read status;
    while ((status = utxo_reader_coin(r, MAX_HEIGHT, &o, &c)) == UTXO_READ_OK) {
        ASSERT(c.height <= MAX_HEIGHT && c.script.len <= MAX_SCRIPT_SIZE);
        utxo_octets(out, &o, &c);
        if (w != NULL)
            utxo_writer_coin(w, &o, &c);
    }
    while (status == UTXO_READ_END &&
           utxo_reader_entry(r, &key, &value) == UTXO_READ_OK) {
        ASSERT(key.len > 0 && key.len <= UTXO_FILE_MAX_KEY);
        buf_append(out, key.data, key.len);
        buf_append(out, value.data, value.len);
        if (w != NULL)
            utxo_writer_entry(w, key, value);
    }
    if (w != NULL)
        utxo_writer_end_entries(w);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    secp_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct utxo_file_header h, again;
    struct buf first = {0}, second = {0};
    uint16_t version;
    uint64_t n;
    if (size == 0)
        return 0;
    FILE *in = fmemopen((void *)data, size, "rb");
    struct utxo_reader *r = utxo_reader_new(in);
    if (utxo_reader_header(r, &h, &version) == NULL) {
        FILE *out = fdopen(memfd_create("utxo", 0), "w+b");
        struct utxo_writer *w = utxo_writer_new(out, &h);
        read_all(r, &first, w);
        ASSERT(utxo_writer_finish(w, &n) == ERR_OK && n == utxo_reader_coins_read(r));
        rewind(out);
        struct utxo_reader *s = utxo_reader_new(out);
        ASSERT(utxo_reader_header(s, &again, &version) == NULL && again.n_coins == n);
        read_all(s, &second, NULL);
        ASSERT(bytes_equal(buf_view(&first), buf_view(&second)));
        utxo_reader_free(s);
        fclose(out);
    }
    utxo_reader_free(r);
    fclose(in);
    buf_clear(&first);
    buf_clear(&second);
    return 0;
}
