# benchmarks

noinst_PROGRAMS += test/bench/bench_state
test_bench_bench_state_SOURCES = test/bench/bench_state.c
test_bench_bench_state_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS)

noinst_PROGRAMS += test/bench/bench_verify
test_bench_bench_verify_SOURCES = test/bench/bench_verify.c
test_bench_bench_verify_LDADD = libochre_crypto.a libochre_util.a $(CRYPTO_LIBS)
