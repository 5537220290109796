#include "wallet/psbt_tree.h"

#include "util/reader.h"
#include "util/sink.h"

#define MAX_DEPTH 128

bool tap_tree_next(struct reader *r, struct tap_tree_leaf *out)
{
    if (r->bad || reader_left(r) == 0)
        return false;
    out->depth = read_u8(r);
    out->version = read_u8(r);
    out->script = read_var(r, reader_left(r));
    return !r->bad;
}

/* Where the next leaf of a tree must hang: bit i of `right` says that at depth i we are
 * in a right branch. */
struct tree_walk {
    bool right[MAX_DEPTH + 1];
    size_t depth; /* of the leaf before */
    bool begun, whole;
};

/* Puts a leaf at @depth; false when no place of that depth is free. */
static bool place_leaf(struct tree_walk *w, size_t depth)
{
    if (w->whole || (w->begun && depth < w->depth))
        return false;
    for (size_t i = w->depth + 1; i <= depth; i++) /* down the left branches */
        w->right[i] = false;
    w->begun = true;
    w->depth = depth;
    while (w->depth > 0 && w->right[w->depth]) /* both branches are done */
        w->depth--;
    w->whole = w->depth == 0;
    w->right[w->depth] = true;
    return true;
}

const char *tap_tree_check(struct bytes tree)
{
    struct reader r;
    struct tap_tree_leaf leaf;
    struct tree_walk w = {.depth = 0};
    if (tree.len == 0)
        return "Output Taproot tree must not be empty";
    reader_init(&r, tree.data, tree.len);
    while (tap_tree_next(&r, &leaf)) {
        if (leaf.depth > MAX_DEPTH)
            return "Output Taproot tree has as leaf greater than Taproot maximum depth";
        if ((leaf.version & 1) != 0)
            return "Output Taproot tree has a leaf with an invalid leaf version";
        if (!place_leaf(&w, leaf.depth))
            return "Output Taproot tree is malformed";
    }
    return r.bad || !w.whole ? "Output Taproot tree is malformed" : NULL;
}

bool tap_tree_write(struct buf *out, const struct tap_entry *e)
{
    struct sink s = sink_to_buf(out);
    size_t start = out->len;
    for (size_t i = 0; i < e->n_leaves; i++) {
        const struct tap_leaf *leaf = &e->leaves[i];
        size_t depth = (leaf->control.len - 33) / 32;
        write_u8(&s, (uint8_t)(depth <= MAX_DEPTH ? depth : UINT8_MAX));
        write_u8(&s, leaf->version);
        write_var(&s, buf_view(&leaf->script));
    }
    return tap_tree_check(bytes_of(out->data + start, out->len - start)) == NULL;
}
