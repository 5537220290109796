/* Reading blocks again for transactions of the wallet: after imports, at start-up, or
 * when the user says so. One scan at a time and wallet. All functions: any thread,
 * without the wallet's lock. */
#ifndef OCHRE_WALLET_SCAN_H
#define OCHRE_WALLET_SCAN_H

#include "wallet/chain_source.h"

struct wallet;

/* Reserves the wallet for a scan; false: one is under way ("Wallet is currently
 * rescanning. Abort existing rescan or wait.", code -4). @with_passphrase: the caller
 * has just unlocked it, and what is needed stays unlocked. */
NODISCARD bool scan_begin(struct wallet *w, bool with_passphrase);
void scan_end(struct wallet *w);
/* Seconds it has run, and progress from 0 to 1; false: none runs. For getwalletinfo. */
bool scan_status(const struct wallet *w, int64_t *seconds, double *progress);
/* A scan is under way that relies on the wallet being unlocked. */
bool scan_with_passphrase(const struct wallet *w);
/* Asks a running scan to end. */
void scan_abort(struct wallet *w);
bool scan_aborting(const struct wallet *w);

enum scan_result {
    SCAN_DONE,
    SCAN_FAILED,  /* a block could not be read: pruned or damaged */
    SCAN_ABORTED, /* by scan_abort or the end of the node */
};
struct scan_report {
    enum scan_result result;
    struct chain_point last;   /* the last block that was read; NONE: no block */
    struct chain_point failed; /* the last one that could not be read; or NONE */
};
struct scan_options {
    int32_t from;       /* height of the first block */
    int32_t to;         /* of the last; -1: the tip, also when it moves meanwhile */
    bool update;        /* look at transactions that are known again */
    bool save_progress; /* note in the file how far it came (start-up) */
};
/* Between scan_begin and scan_end. The wallet's lock is taken block by block. */
void wallet_scan(struct wallet *w, const struct scan_options *opt,
                 struct scan_report *out);
/* Scans from the first block that may hold keys born at @time (two hours are
 * subtracted). Returns the time from which on everything was read: @time when all went
 * well, else the time of the block after the last one that could not be. */
int64_t wallet_scan_since(struct wallet *w, int64_t time, bool update);

#endif
