#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain/params/params.h"
#include "chain/store/blockfile.h"
#include "util/fs.h"
#include "util/mem.h"

struct files {
    char dir[64];
    struct chain_params params;
    struct block_files *bf;
    struct block *genesis;
};

static void open_files(struct files *f)
{
    struct block_files_options opt = {
        .dir = f->dir, .small_files = true, .key = {"testkeys"}};
    memcpy(opt.magic, f->params.magic, sizeof(opt.magic));
    assert_int_equal(block_files_open(&f->bf, &opt), ERR_OK);
}

static void setup(struct files *f)
{
    memset(f, 0, sizeof(*f));
    strcpy(f->dir, "/tmp/ochre-files-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_true(chain_params_get(&f->params, BITCOIN, "regtest"));
    f->genesis = chain_params_genesis(&f->params);
    open_files(f);
}

static void teardown(struct files *f)
{
    block_files_close(f->bf);
    block_unref(f->genesis);
    assert_int_equal(fs_remove_tree(f->dir), ERR_OK);
}

static struct filepos put(struct files *f, uint32_t height)
{
    struct filepos pos;
    assert_int_equal(block_files_write(f->bf, &pos, f->genesis, height), ERR_OK);
    return pos;
}

static bool reads_back(struct files *f, const struct filepos *pos)
{
    struct block *b;
    if (block_files_read(f->bf, &b, pos) != ERR_OK)
        return false;
    bool same = hash256_equal(&b->hash, &f->genesis->hash);
    block_unref(b);
    return same;
}

static void overwrite(struct files *f, bool undo, off_t at, uint8_t octet)
{
    char *path = block_file_path(f->bf, 0, undo);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &octet, 1, at), 1);
    close(fd);
    free(path);
}

static off_t size_of(struct files *f, int32_t file)
{
    char *path = block_file_path(f->bf, file, false);
    struct stat st;
    int rc = stat(path, &st);
    free(path);
    return rc == 0 ? st.st_size : -1;
}

static void blocks_fill_one_file_after_the_other(void **state)
{
    (void)state;
    struct files f;
    setup(&f);
    struct filepos pos[300];
    for (uint32_t i = 0; i < 300; i++)
        pos[i] = put(&f, i);
    assert_int_equal(pos[0].pos, BLOCK_RECORD_HEAD);
    assert_true(block_files_count(f.bf) > 1);
    assert_int_equal(block_files_sync(f.bf), ERR_OK);
    for (uint32_t i = 0; i < 300; i++)
        assert_true(reads_back(&f, &pos[i]));
    /* A finished file has no spare room, the last one ends at a chunk. */
    struct block_file_info first = block_files_info(f.bf, 0);
    assert_int_equal(size_of(&f, 0), first.size);
    assert_int_equal(first.height_first, 0);
    assert_int_equal(size_of(&f, block_files_count(f.bf) - 1) % (16 << 10), 0);
    /* Pruned, a file is gone; the others stay. */
    block_files_forget(f.bf, 0);
    block_files_remove(f.bf, 0);
    assert_false(block_files_exist(f.bf, 0));
    assert_false(reads_back(&f, &pos[0]));
    assert_true(reads_back(&f, &pos[299]));
    teardown(&f);
}

static void what_the_index_forgot_is_written_over(void **state)
{
    (void)state;
    struct files f;
    setup(&f);
    put(&f, 0);
    struct block_file_info saved = block_files_info(f.bf, 0);
    struct filepos lost = put(&f, 1);
    overwrite(&f, false, lost.pos + 10, 0xff); /* torn */
    block_files_close(f.bf);
    open_files(&f);
    block_files_restore(f.bf, 0, &saved);
    struct filepos again = put(&f, 1);
    assert_int_equal(again.pos, lost.pos);
    assert_true(reads_back(&f, &again));
    teardown(&f);
}

static void assert_one_kind(struct files *f, int32_t file, uint32_t split)
{
    struct block_file_info info = block_files_info(f->bf, file);
    assert_true(info.n_blocks > 0);
    assert_true(info.height_last <= split || info.height_first > split);
}

/* The table as the index would bring it back. */
static void reopen(struct files *f)
{
    struct block_file_info info[16];
    int32_t n = block_files_count(f->bf);
    assert_true(n <= (int32_t)ARRAY_LEN(info));
    for (int32_t i = 0; i < n; i++)
        info[i] = block_files_info(f->bf, i);
    block_files_close(f->bf);
    open_files(f);
    for (int32_t i = 0; i < n; i++)
        block_files_restore(f->bf, i, &info[i]);
}

static void blocks_above_a_snapshot_go_to_files_of_their_own(void **state)
{
    (void)state;
    struct files f;
    setup(&f);
    put(&f, 0);
    put(&f, 1);
    block_files_split(f.bf, 1000);
    assert_true(block_files_growing(f.bf, 0));
    assert_int_equal(put(&f, 1001).file, 1);
    assert_int_equal(put(&f, 2).file, 0);
    assert_int_equal(put(&f, 1000).file, 0); /* the base is history */
    for (uint32_t i = 0; i < 700; i++) {
        put(&f, 3 + i);
        put(&f, 1002 + i);
        if (i == 350) {
            reopen(&f);
            block_files_split(f.bf, 1000);
        }
    }
    int32_t n = block_files_count(f.bf), growing = 0, below = -1;
    for (int32_t i = 0; i < n; i++) {
        assert_one_kind(&f, i, 1000);
        growing += block_files_growing(f.bf, i);
        if (block_files_info(f.bf, i).height_last <= 1000)
            below = i;
    }
    assert_int_equal(growing, 2);
    assert_true(block_files_growing(f.bf, below) && block_files_growing(f.bf, n - 1));
    /* One kind again: the last file goes on, the other one has no spare room. */
    block_files_split(f.bf, 0);
    assert_int_equal(put(&f, 5000).file, n - 1);
    assert_int_equal(put(&f, 999).file, n - 1);
    assert_false(block_files_growing(f.bf, below));
    assert_true(below < n - 1);
    assert_int_equal(size_of(&f, below), block_files_info(f.bf, below).size);
    teardown(&f);
}

/* What was begun for one kind and forgotten by the index, either kind may begin. */
static void a_forgotten_file_is_begun_again(void **state)
{
    (void)state;
    struct files f;
    setup(&f);
    put(&f, 1);
    struct block_file_info saved = block_files_info(f.bf, 0);
    block_files_split(f.bf, 10);
    assert_int_equal(put(&f, 11).file, 1);
    block_files_close(f.bf);
    open_files(&f);
    block_files_restore(f.bf, 0, &saved);
    block_files_split(f.bf, 10);
    assert_int_equal(put(&f, 2).file, 0);
    struct filepos pos = put(&f, 11);
    assert_int_equal(pos.file, 1);
    assert_true(reads_back(&f, &pos));
    teardown(&f);
}

static void damage_is_noticed(void **state)
{
    (void)state;
    struct files f;
    struct block *b;
    struct buf out = {0};
    struct filepos undo;
    setup(&f);
    struct filepos pos = put(&f, 0);
    const struct hash256 parent = {{1}}, other = {{2}};
    struct bytes data = bytes_of("undo data", 9);
    assert_int_equal(undo_files_write(f.bf, &undo, 0, &parent, data), ERR_OK);
    assert_int_equal(undo_files_read(f.bf, &out, &undo, &parent), ERR_OK);
    assert_true(bytes_equal(buf_view(&out), data));
    assert_int_equal(undo_files_read(f.bf, &out, &undo, &other), ERR_CORRUPT);
    overwrite(&f, true, undo.pos + 3, 'X');
    assert_int_equal(undo_files_read(f.bf, &out, &undo, &parent), ERR_CORRUPT);
    overwrite(&f, false, pos.pos - 8, 0); /* the magic */
    assert_int_equal(block_files_read(f.bf, &b, &pos), ERR_CORRUPT);
    struct filepos beyond = {0, 1 << 20};
    assert_int_equal(block_files_read(f.bf, &b, &beyond), ERR_CORRUPT);
    struct filepos nowhere = {5, BLOCK_RECORD_HEAD};
    assert_int_equal(block_files_read(f.bf, &b, &nowhere), ERR_NOT_FOUND);
    buf_clear(&out);
    teardown(&f);
}

struct found {
    const struct block *want;
    int n, other;
};

static enum scan_step count_block(void *ctx, struct bytes raw, uint64_t pos)
{
    struct found *found = ctx;
    (void)pos;
    if (!bytes_equal(raw, found->want->raw)) {
        found->other++;
        return SCAN_SKIP;
    }
    found->n++;
    return SCAN_NEXT;
}

static void a_scan_passes_over_rubbish(void **state)
{
    (void)state;
    struct files f;
    struct buf file = {0};
    uint8_t head[8];
    setup(&f);
    memcpy(head, f.params.magic, 4);
    head[4] = (uint8_t)f.genesis->raw.len;
    head[5] = (uint8_t)(f.genesis->raw.len >> 8);
    head[6] = head[7] = 0;
    for (int i = 0; i < 5000; i++) {
        buf_append(&file, head, i % 7); /* begins of records that go no further */
        buf_append(&file, head, 8);
        buf_append(&file, f.genesis->raw.data, f.genesis->raw.len);
    }
    buf_append(&file, head, 8);
    buf_append(&file, f.genesis->raw.data, 100); /* cut off */
    char *path = path_join(f.dir, "bootstrap.dat");
    assert_int_equal(fs_write_atomic(path, file.data, file.len, 0600), ERR_OK);
    struct found found = {.want = f.genesis};
    const struct block_xor none = {{0}}, key = {"12345678"};
    assert_int_equal(
        block_file_scan(path, f.params.magic, &none, count_block, &found), ERR_OK);
    assert_int_equal(found.n, 5000);
    assert_int_equal(
        block_file_scan("/nowhere", f.params.magic, &none, count_block, &found),
        ERR_NOT_FOUND);
    block_xor_apply(&key, file.data, file.len, 0);
    assert_int_equal(fs_write_atomic(path, file.data, file.len, 0600), ERR_OK);
    found.n = 0;
    assert_int_equal(block_file_scan(path, f.params.magic, &key, count_block, &found),
                     ERR_OK);
    assert_int_equal(found.n, 5000);
    free(path);
    buf_clear(&file);
    teardown(&f);
}

static void octets_go_with_their_offset(void **state)
{
    const struct block_xor key = {{1, 2, 3, 4, 5, 6, 7, 8}};
    uint8_t data[100] = {0}, parts[100] = {0};
    (void)state;
    block_xor_apply(&key, data, sizeof(data), 3);
    for (size_t i = 0; i < sizeof(data); i++)
        assert_int_equal(data[i], (3 + i) % 8 + 1);
    for (size_t at = 0, n = 0; at < sizeof(parts); at += n, n++) {
        size_t len = n < sizeof(parts) - at ? n : sizeof(parts) - at;
        block_xor_apply(&key, parts + at, len, 3 + at);
    }
    assert_memory_equal(data, parts, sizeof(data));
}

/* Opens a key as a node would; the text of the refusal, or NULL. The caller frees. */
static char *open_key(const struct files *f, bool use, struct block_xor *out)
{
    char *error = NULL;
    enum err e = block_xor_open(out, f->dir, use, NULL, &error);
    assert_int_equal(e == ERR_OK, error == NULL);
    return error;
}

static void a_key_is_made_once(void **state)
{
    struct files f;
    struct block_xor zero = {{0}}, key, again;
    (void)state;
    setup(&f);
    char *path = path_join(f.dir, "xor.dat");
    assert_null(open_key(&f, true, &key));
    assert_memory_not_equal(&key, &zero, sizeof(key));
    assert_null(open_key(&f, true, &again));
    assert_memory_equal(&key, &again, sizeof(key));
    char *error = open_key(&f, false, &again);
    assert_non_null(strstr(error, "can not be disabled"));
    free(error);
    /* where there are blocks already, or none is wanted, it changes nothing */
    unlink(path);
    assert_null(open_key(&f, false, &key));
    assert_memory_equal(&key, &zero, sizeof(key));
    unlink(path);
    put(&f, 0);
    assert_null(open_key(&f, true, &key));
    assert_memory_equal(&key, &zero, sizeof(key));
    assert_int_equal(fs_write_atomic(path, "short", 5, 0600), ERR_OK);
    error = open_key(&f, true, &key);
    assert_non_null(strstr(error, path));
    free(error);
    free(path);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_fill_one_file_after_the_other),
        cmocka_unit_test(what_the_index_forgot_is_written_over),
        cmocka_unit_test(blocks_above_a_snapshot_go_to_files_of_their_own),
        cmocka_unit_test(a_forgotten_file_is_begun_again),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(a_scan_passes_over_rubbish),
        cmocka_unit_test(octets_go_with_their_offset),
        cmocka_unit_test(a_key_is_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
