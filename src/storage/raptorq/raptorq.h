/* RaptorQ, RFC 6330: forward error correction of blocks and of whole objects.
 *
 * A library of its own: it needs nothing but C11, does no input or output of its own,
 * keeps no globals and logs nothing. RaptorQ detects no corruption: one wrong symbol
 * spoils its block, so authenticate symbols before handing them over.
 *
 * Words of the RFC: a source block of K symbols of T octets; an encoding symbol id
 * (ESI) names source symbols (below K) and repair symbols (K to 2^24-1); N sub-blocks;
 * Al the alignment. Sizes are in octets, ids in host integers.
 *
 * Threads: a context and what was opened on it belong to one thread at a time. Plans
 * are immutable, counted and may be shared by any number of threads.
 *
 * Memory: contexts, encoders and decoders grow to what the largest block so far needed
 * and then allocate no more. rq_config.memory_limit caps the sum. */
#ifndef OCHRE_RAPTORQ_H
#define OCHRE_RAPTORQ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RQ_K_MIN           1
#define RQ_K_MAX           56403     /* source symbols of a block (5.1.2) */
#define RQ_T_MAX           65535     /* octets of a symbol */
#define RQ_ESI_MAX         0xffffffu /* 24 bit (3.2) */
#define RQ_Z_MAX           255       /* the field has one octet (3.3.3) */
#define RQ_N_MAX           65535     /* the field has two octets (3.3.3) */
#define RQ_F_MAX           UINT64_C(942574504275) /* erratum 5548: 65535 * 56403 * 255 */
#define RQ_OTI_SIZE        12
#define RQ_PAYLOAD_ID_SIZE 4

#if defined(__GNUC__)
#define RQ_NODISCARD __attribute__((warn_unused_result))
#else
#define RQ_NODISCARD
#endif

/* Positive values are answers, negative ones errors; nothing is written on an error. */
enum rq_status {
    RQ_OK = 0,
    RQ_NEED_MORE = 1, /* these symbols do not determine the block: add another */
    RQ_DUPLICATE = 2, /* this symbol is here already */
    RQ_DECODED = 3,   /* the block is complete; further symbols are of no use */
    RQ_FULL = 4,      /* no room for another repair symbol: solve first */

    RQ_ERR_K = -1,       /* K is 0 or above 56403 */
    RQ_ERR_T = -2,       /* T is 0 or above 65535, or not a multiple of Al */
    RQ_ERR_Z = -3,       /* Z is 0, above 255, or leaves a block without symbols */
    RQ_ERR_N = -4,       /* N is 0 or above T/Al */
    RQ_ERR_AL = -5,      /* Al is 0 */
    RQ_ERR_F = -6,       /* the object is empty or above 942,574,504,275 octets */
    RQ_ERR_ESI = -7,     /* the id does not exist in this block */
    RQ_ERR_SBN = -8,     /* the source block number does not exist in this object */
    RQ_ERR_LENGTH = -9,  /* a length does not match K, T and N, or the object */
    RQ_ERR_LIMIT = -10,  /* the context's memory limit does not allow this */
    RQ_ERR_MEMORY = -11, /* the system has no memory left */
    RQ_ERR_STATE = -12,  /* the call does not fit the order of calls */
    RQ_ERR_DATA = -13,   /* a serialised plan or encoded field is malformed */
    RQ_ERR_IO = -14,     /* a callback of the caller reported a failure */
    RQ_ERR_KERNEL = -15  /* no kernel of this name, or this CPU cannot run it */
};

/* An English sentence for a status, without a full stop; never NULL. */
const char *rq_strerror(int status);

/* ---- Parameters of a block (5.3.3.3, 5.6) ---- */

struct rq_params {
    uint32_t K;  /* source symbols */
    uint32_t Kp; /* K', source symbols with the padding */
    uint32_t J, S, H, W;
    uint32_t L;  /* intermediate symbols: K' + S + H */
    uint32_t P;  /* permanently inactive columns: L - W */
    uint32_t P1; /* smallest prime >= P */
    uint32_t U;  /* P - H */
    uint32_t B;  /* W - S */
};

/* Fills @out for a block of @K source symbols; RQ_ERR_K. */
RQ_NODISCARD int rq_params_init(struct rq_params *out, uint32_t K);

/* Rand[y, i, m] of 5.3.5.1; i < 256, m > 0. */
uint32_t rq_rand(uint32_t y, uint32_t i, uint32_t m);

/* The tuple (d, a, b, d1, a1, b1) of the internal symbol id @X (5.3.5.4). */
struct rq_tuple {
    uint32_t d, a, b, d1, a1, b1;
};
struct rq_tuple rq_tuple(const struct rq_params *p, uint32_t X);

/* Writes the H rows of K'+S octets of the HDPC matrix, without its identity part
 * (5.3.3.3), row by row. For tests: the codec itself never builds this matrix. */
void rq_hdpc_matrix(const struct rq_params *p, uint8_t *out);

/* ---- Object transmission information and payload ids (3.2, 3.3) ---- */

struct rq_oti {
    uint64_t F;  /* octets of the object, 1 to RQ_F_MAX */
    uint32_t T;  /* octets of a symbol, 1 to 65535, a multiple of Al */
    uint32_t Z;  /* source blocks, 1 to 255 and at most ceil(F/T) */
    uint32_t N;  /* sub-blocks of each block, 1 to T/Al */
    uint32_t Al; /* alignment of sub-symbols, 1 to 255 */
};

/* Checks every bound above and that no block has more than 56403 symbols. */
RQ_NODISCARD int rq_oti_check(const struct rq_oti *oti);

/* The 12 octets of 3.3.2 and 3.3.3. rq_oti_get checks what it read; RQ_ERR_DATA if
 * the reserved octet is not zero. */
void rq_oti_put(uint8_t out[RQ_OTI_SIZE], const struct rq_oti *oti);
RQ_NODISCARD int rq_oti_get(struct rq_oti *out, const uint8_t in[RQ_OTI_SIZE]);

/* Derives T, Z and N as recommended in 4.3: @max_payload octets of a packet at most,
 * alignment @Al, sub-symbols of at least @SS * Al octets, and a decoder that works on
 * sub-blocks of at most @WS octets. RQ_ERR_T, RQ_ERR_Z or RQ_ERR_N when impossible. */
RQ_NODISCARD int rq_oti_derive(struct rq_oti *out, uint64_t F, uint32_t max_payload,
                               uint32_t Al, uint32_t SS, uint64_t WS);

struct rq_payload_id {
    uint8_t sbn;
    uint32_t esi; /* 24 bit */
};
void rq_payload_id_put(uint8_t out[RQ_PAYLOAD_ID_SIZE], const struct rq_payload_id *id);
void rq_payload_id_get(struct rq_payload_id *out, const uint8_t in[RQ_PAYLOAD_ID_SIZE]);

/* Partition[I, J] of 4.4.1.2: JL parts of IL followed by JS parts of IS. */
struct rq_partition {
    uint32_t IL, IS, JL, JS;
};
struct rq_partition rq_partition(uint32_t I, uint32_t J);

/* Where source block @sbn lies in its object. */
struct rq_block {
    uint32_t K;
    uint64_t offset; /* octets before it */
    uint64_t length; /* octets of the object in it: K * T, less in the last block */
};
RQ_NODISCARD int rq_oti_block(const struct rq_oti *oti, uint32_t sbn,
                              struct rq_block *out);

/* ---- Context ---- */

/* The caller's allocator; alloc may return NULL, and must align to 64 octets. */
struct rq_alloc {
    void *(*alloc)(void *self, size_t size);
    void (*free)(void *self, void *p, size_t size);
    void *self;
};

/* The caller's threads. run calls job(arg, i) for every i in [0, n), in any order and
 * on any threads, and returns when all are done. No more than @threads jobs run at
 * the same time. */
struct rq_workers {
    unsigned threads;
    void (*run)(void *self, void (*job)(void *arg, unsigned i), void *arg, unsigned n);
    void *self;
};

/* A small pool of POSIX threads that serves as rq_workers; the calling thread works
 * too, so @threads = 2 starts one. NULL when out of memory or threads. */
struct rq_pool *rq_pool_new(unsigned threads);
void rq_pool_free(struct rq_pool *pool);
const struct rq_workers *rq_pool_workers(struct rq_pool *pool);

/* How to get the octets. All modes give the same; RQ_MODE_AUTO picks the cheapest. */
enum rq_mode {
    RQ_MODE_AUTO,
    RQ_MODE_SLICES,    /* inactivation decoding, column slice by column slice */
    RQ_MODE_GENERATOR, /* one matrix product: at most 64 outputs or losses */
    RQ_MODE_PATCH      /* decoder only: few losses, on the encoder's plan */
};

struct rq_config {
    size_t memory_limit;              /* octets; 0: no limit */
    const struct rq_alloc *alloc;     /* NULL: the system's, with huge pages */
    const struct rq_workers *workers; /* NULL: the calling thread alone */
    const char *kernel;  /* "portable", "ssse3", ...; NULL: the best of this CPU */
    enum rq_mode mode;   /* for tests; a mode that cannot do a job is not used for it */
    unsigned plan_cache; /* encoder plans kept; 0: 8 */
};

/* A context: kernels, scratch memory, cached plans. @config (NULL: defaults) and its
 * strings need not outlive the call; allocator and workers must outlive the context.
 * On success *out is owned by the caller. RQ_ERR_KERNEL, RQ_ERR_MEMORY, RQ_ERR_LIMIT.
 */
struct rq_ctx;
RQ_NODISCARD int rq_ctx_new(struct rq_ctx **out, const struct rq_config *config);
void rq_ctx_free(struct rq_ctx *ctx); /* after all encoders and decoders on it */
const char *rq_ctx_kernel(const struct rq_ctx *ctx);

/* Name of kernel @i this CPU can run, best first; NULL past the end. */
const char *rq_kernel_name(unsigned i);

struct rq_stats {
    size_t memory;        /* octets held */
    uint64_t allocations; /* calls of the allocator so far */
    size_t plan_size;     /* octets of the plan used last */
    uint64_t xors; /* XOR equivalents per column executed last, see doc/raptorq.md */
    enum rq_mode mode; /* used last */
    uint32_t inactive; /* inactive columns of the plan made last */
};
void rq_ctx_stats(const struct rq_ctx *ctx, struct rq_stats *out);

/* ---- Plans ---- */

/* Everything about solving a block that does not depend on its octets. An encoder
 * plan depends on K' alone. */
struct rq_plan;
RQ_NODISCARD int rq_plan_new(struct rq_ctx *ctx, struct rq_plan **out, uint32_t K);
struct rq_plan *rq_plan_ref(struct rq_plan *plan);
void rq_plan_unref(struct rq_plan *plan);        /* NULL is fine */
size_t rq_plan_size(const struct rq_plan *plan); /* octets when written */
uint32_t rq_plan_Kp(const struct rq_plan *plan);
uint64_t rq_plan_xors(const struct rq_plan *plan); /* for all intermediate symbols */

/* Puts an encoder plan into the context's cache (taking a reference of its own), in
 * place of the one used longest ago; encoders find it there. */
void rq_ctx_keep_plan(struct rq_ctx *ctx, struct rq_plan *plan);
void rq_ctx_drop_plans(struct rq_ctx *ctx); /* forget all cached plans and matrices */

/* A plan as octets, to be made offline; @out has room for rq_plan_size octets.
 * rq_plan_read checks every index, so that a foreign plan can at worst compute wrong
 * symbols: RQ_ERR_DATA. The format is that of this library and this CPU's octet order.
 */
void rq_plan_write(const struct rq_plan *plan, uint8_t *out);
RQ_NODISCARD int rq_plan_read(struct rq_ctx *ctx, struct rq_plan **out,
                              const uint8_t *in, size_t n);

/* Coefficients: out[i * K + k] is what source symbol k is multiplied with in encoding
 * symbol @esi[i]; n rows. RQ_ERR_ESI. */
RQ_NODISCARD int rq_coefficients(struct rq_ctx *ctx, uint32_t K, const uint32_t *esi,
                                 size_t n, uint8_t *out);

/* ---- Encoder of one source block ---- */

/* The shape of a source block in memory. With N > 1 its sub-blocks lie one after the
 * other (4.4.1.2); encoding symbols are always T consecutive octets. */
struct rq_shape {
    uint32_t K, T, N, Al; /* N = Al = 1: symbol m is at octet m * T */
};

struct rq_enc;
RQ_NODISCARD int rq_enc_new(struct rq_ctx *ctx, struct rq_enc **out);
void rq_enc_free(struct rq_enc *enc);

/* Starts on a block: @src is borrowed until the next open or free. @len is K * T; for
 * N = 1 it may be shorter by less than T, the rest counts as zeros. */
RQ_NODISCARD int rq_enc_open(struct rq_enc *enc, const struct rq_shape *shape,
                             const void *src, size_t len);

/* Computes and keeps the intermediate symbols (L * T octets), so that every further
 * repair symbol costs a few XORs. Worth it when symbols are wanted bit by bit. */
RQ_NODISCARD int rq_enc_prepare(struct rq_enc *enc);

/* Writes the encoding symbols @esi[0..n), in any order, source or repair, to out[i],
 * T octets each. Picks the cheapest way for these n. RQ_ERR_ESI. */
RQ_NODISCARD int rq_enc_symbols(struct rq_enc *enc, const uint32_t *esi, size_t n,
                                void *const *out);

/* The same for @n consecutive ids from @esi to one run of n * T octets. */
RQ_NODISCARD int rq_enc_run(struct rq_enc *enc, uint32_t esi, size_t n, void *out);

/* Intermediate symbol @i in [0, L) after rq_enc_prepare: T octets. For tests. */
RQ_NODISCARD int rq_enc_intermediate(struct rq_enc *enc, uint32_t i, void *out);

/* ---- Decoder of one source block ---- */

struct rq_dec;
RQ_NODISCARD int rq_dec_new(struct rq_ctx *ctx, struct rq_dec **out);
void rq_dec_free(struct rq_dec *dec);

/* Starts on a block whose source symbols are to appear in @dst (borrowed until the
 * next open or free; @len as in rq_enc_open). Room for @max_repair repair symbols is
 * kept in the decoder; 0: K + 64. */
RQ_NODISCARD int rq_dec_open(struct rq_dec *dec, const struct rq_shape *shape,
                             void *dst, size_t len, uint32_t max_repair);

/* T octets where the network layer may put symbol @esi before rq_dec_have(esi), or
 * NULL if it is unknown, here already, or there is no room. For source symbols of an
 * N = 1 block this is their final place; those of other blocks share one slot, so that
 * only one of them can be under way. A slot stays the same until it is had, and a slot
 * handed out for a repair symbol takes one of max_repair. */
void *rq_dec_slot(struct rq_dec *dec, uint32_t esi);

/* Symbol @esi will not come after all. Frees the slot that source symbols share; a slot
 * of a repair symbol stays its own, should it come later. */
void rq_dec_give_up(struct rq_dec *dec, uint32_t esi);

/* Symbol @esi is in its slot now. RQ_OK, RQ_NEED_MORE while fewer than K symbols are
 * here, RQ_DUPLICATE, RQ_DECODED, RQ_FULL, RQ_ERR_ESI. */
RQ_NODISCARD int rq_dec_have(struct rq_dec *dec, uint32_t esi);

/* rq_dec_slot, copy, rq_dec_have. */
RQ_NODISCARD int rq_dec_add(struct rq_dec *dec, uint32_t esi, const void *symbol);

/* Computes the missing source symbols into dst: RQ_DECODED. RQ_NEED_MORE leaves dst as
 * it was; add symbols and call again, the work done so far is reused. */
RQ_NODISCARD int rq_dec_solve(struct rq_dec *dec);

/* Can the symbols at hand decode? RQ_OK or RQ_NEED_MORE; no symbol is touched. */
RQ_NODISCARD int rq_dec_check(struct rq_dec *dec);

/* ---- Objects: files of several blocks ---- */

/* The caller's storage. Offsets and counts are octets. Callbacks return 0, or a
 * negative number to stop with RQ_ERR_IO; they run on the thread that called in, but
 * see concurrent. */
struct rq_object_io {
    /* optional: the object, F octets in memory, read by the encoder and written by the
     * decoder in place; read and write are not called then. A decoder that fails may
     * have written to blocks it did not complete. */
    void *memory;
    /* the encoder's input: octets [offset, offset + n) of the object */
    int (*read)(void *self, uint64_t offset, void *buf, size_t n);
    /* the encoder's output: octets [col, col + n) of an encoding symbol. Columns of one
     * symbol come in ascending order, but those of others may come between. */
    int (*put_symbol)(void *self, const struct rq_payload_id *id, uint32_t col,
                      const void *buf, size_t n);

    /* the decoder's input: the ids at hand for block @sbn, at most @max into @esi;
     * their number is returned */
    size_t (*list_symbols)(void *self, uint32_t sbn, uint32_t *esi, size_t max);
    /* octets [col, col + n) of one of them; 1: it is not to be had after all */
    int (*get_symbol)(void *self, const struct rq_payload_id *id, uint32_t col,
                      void *buf, size_t n);
    /* get_symbol may be called on any thread and on several at once */
    bool concurrent;
    /* the decoder's output */
    int (*write)(void *self, uint64_t offset, const void *buf, size_t n);

    /* optional: @done of @total octets of the object */
    int (*progress)(void *self, uint64_t done, uint64_t total);
    void *self;
};

#define RQ_OBJECT_MEMORY ((size_t)256 << 20)

/* Encodes the object block by block: puts all source symbols (if @with_source) and
 * @repair repair symbols of every block. Its buffers take at most @memory octets (0:
 * RQ_OBJECT_MEMORY) beyond a few for each symbol of a block: blocks that do not fit are
 * worked on some columns at a time. Blocks, or else the columns of one, are spread over
 * the context's workers. RQ_ERR_ESI when there are not that many repair symbols. */
RQ_NODISCARD int rq_object_encode(struct rq_ctx *ctx, const struct rq_oti *oti,
                                  uint32_t repair, bool with_source, size_t memory,
                                  const struct rq_object_io *io);

/* Decodes the object: lists and gets symbols of each block, in the order of their ids
 * and hardly more than it takes, and writes the object. RQ_NEED_MORE if the symbols of
 * a block do not suffice, *sbn tells which; what lies before it has been written. */
RQ_NODISCARD int rq_object_decode(struct rq_ctx *ctx, const struct rq_oti *oti,
                                  size_t memory, const struct rq_object_io *io,
                                  uint32_t *sbn);

#endif
