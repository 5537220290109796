# benchmarks

noinst_PROGRAMS += test/bench/bench_state
test_bench_bench_state_SOURCES = test/bench/bench_state.c
test_bench_bench_state_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS)

noinst_PROGRAMS += test/bench/bench_descriptor
test_bench_bench_descriptor_SOURCES = test/bench/bench_descriptor.c
test_bench_bench_descriptor_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS)

noinst_PROGRAMS += test/bench/bench_wallet
test_bench_bench_wallet_SOURCES = test/bench/bench_wallet.c test/unit/wallet_fixture.h
test_bench_bench_wallet_LDADD = $(WALLET_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

noinst_PROGRAMS += test/bench/bench_verify
test_bench_bench_verify_SOURCES = test/bench/bench_verify.c
test_bench_bench_verify_LDADD = libochre_crypto.a libochre_util.a $(CRYPTO_LIBS)

noinst_PROGRAMS += test/bench/bench_raptorq
test_bench_bench_raptorq_SOURCES = test/bench/bench_raptorq.c \
	src/cli/rq_bench.c src/cli/rq_bench.h
test_bench_bench_raptorq_LDADD = libochre_raptorq.a libochre_util.a

# RaptorQ behind the ABI of test/bench/rq_abi.h: `make rq_bench_codec.so` for programs that
# compare codecs. Compiled from the sources at once, as position independent code.
RQ_BENCH_CODEC = $(libochre_raptorq_a_SOURCES) \
	test/bench/rq_bench_codec.c test/bench/rq_abi.h
test/bench/rq_bench_codec.so: $(RQ_BENCH_CODEC)
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(CC) $(AM_CPPFLAGS) $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) \
	    -fPIC -shared -o $@ $(filter %.c,$^) $(AM_LDFLAGS) $(LDFLAGS)
rq_bench_codec.so: test/bench/rq_bench_codec.so
CLEANFILES += test/bench/rq_bench_codec.so
EXTRA_DIST += test/bench/rq_bench_codec.c test/bench/rq_abi.h
.PHONY: rq_bench_codec.so

noinst_PROGRAMS += test/bench/bench_supernodes
test_bench_bench_supernodes_SOURCES = test/bench/bench_supernodes.c
test_bench_bench_supernodes_LDADD = $(TICKETS_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

noinst_PROGRAMS += test/bench/bench_wallet_import
test_bench_bench_wallet_import_SOURCES = test/bench/bench_wallet_import.c
test_bench_bench_wallet_import_LDADD = $(WALLET_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm
noinst_PROGRAMS += test/bench/bench_wallet_spend
test_bench_bench_wallet_spend_SOURCES = test/bench/bench_wallet_spend.c \
	test/unit/spend_fixture.h test/unit/wallet_fixture.h
test_bench_bench_wallet_spend_LDADD = $(WALLET_LIBS) $(DB_LIBS) $(CRYPTO_LIBS)

noinst_PROGRAMS += test/bench/bench_index
test_bench_bench_index_SOURCES = test/bench/bench_index.c
test_bench_bench_index_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS)

noinst_PROGRAMS += test/bench/bench_mempool
test_bench_bench_mempool_SOURCES = test/bench/bench_mempool.c
test_bench_bench_mempool_LDADD = $(TICKETS_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm
