# benchmarks

noinst_PROGRAMS += test/bench/bench_state
test_bench_bench_state_SOURCES = test/bench/bench_state.c
test_bench_bench_state_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS)
