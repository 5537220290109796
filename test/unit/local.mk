# Unit tests (cmocka), one program per subject. To add one: a line in check_PROGRAMS, and
# its _SOURCES and _LDADD.
if BUILD_TESTS
AM_CPPFLAGS += $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
UTIL_TEST_LIBS = libochre_util.a $(CMOCKA_LIBS) $(JANSSON_LIBS)

check_PROGRAMS += test/unit/test_args
test_unit_test_args_SOURCES = test/unit/test_args.c test/unit/unit.h
test_unit_test_args_LDADD = $(UTIL_TEST_LIBS)

check_PROGRAMS += test/unit/test_bytes
test_unit_test_bytes_SOURCES = test/unit/test_bytes.c test/unit/unit.h
test_unit_test_bytes_LDADD = $(UTIL_TEST_LIBS)

check_PROGRAMS += test/unit/test_heap
test_unit_test_heap_SOURCES = test/unit/test_heap.c test/unit/unit.h
test_unit_test_heap_LDADD = $(UTIL_TEST_LIBS)

check_PROGRAMS += test/unit/test_http
test_unit_test_http_SOURCES = test/unit/test_http.c test/unit/unit.h
test_unit_test_http_LDADD = libochre_io.a libochre_util.a $(CMOCKA_LIBS) $(IO_LIBS)

check_PROGRAMS += test/unit/test_socks5
test_unit_test_socks5_SOURCES = test/unit/test_socks5.c test/unit/unit.h
test_unit_test_socks5_LDADD = libochre_io.a libochre_util.a $(CMOCKA_LIBS) $(IO_LIBS)

check_PROGRAMS += test/unit/test_blockfile
test_unit_test_blockfile_SOURCES = test/unit/test_blockfile.c test/unit/unit.h
test_unit_test_blockfile_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_chainman
test_unit_test_chainman_SOURCES = test/unit/test_chainman.c test/unit/chain_fixture.h \
	test/unit/chain_blocks.h test/unit/unit.h
test_unit_test_chainman_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_coin_stats
test_unit_test_coin_stats_SOURCES = test/unit/test_coin_stats.c test/unit/chain_fixture.h test/unit/unit.h
test_unit_test_coin_stats_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_coins
test_unit_test_coins_SOURCES = test/unit/test_coins.c test/unit/unit.h
test_unit_test_coins_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_json
test_unit_test_json_SOURCES = test/unit/test_json.c test/unit/unit.h
test_unit_test_json_LDADD = $(UTIL_TEST_LIBS)

check_PROGRAMS += test/unit/test_log
test_unit_test_log_SOURCES = test/unit/test_log.c test/unit/unit.h
test_unit_test_log_LDADD = $(UTIL_TEST_LIBS)

check_PROGRAMS += test/unit/test_map
test_unit_test_map_SOURCES = test/unit/test_map.c test/unit/unit.h
test_unit_test_map_LDADD = $(UTIL_TEST_LIBS)

check_PROGRAMS += test/unit/test_params
test_unit_test_params_SOURCES = test/unit/test_params.c test/unit/unit.h
test_unit_test_params_LDADD = $(CHAIN_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS)

check_PROGRAMS += test/unit/test_pool
test_unit_test_pool_SOURCES = test/unit/test_pool.c test/unit/unit.h
test_unit_test_pool_LDADD = $(UTIL_TEST_LIBS)
CRYPTO_TEST_LIBS = libochre_crypto.a $(UTIL_TEST_LIBS) $(CRYPTO_LIBS)

check_PROGRAMS += test/unit/test_aead
test_unit_test_aead_SOURCES = test/unit/test_aead.c test/unit/unit.h test/unit/vectors.h
test_unit_test_aead_LDADD = $(CRYPTO_TEST_LIBS)

check_PROGRAMS += test/unit/test_bip32
test_unit_test_bip32_SOURCES = test/unit/test_bip32.c test/unit/unit.h test/unit/vectors.h
test_unit_test_bip32_LDADD = $(CRYPTO_TEST_LIBS)

check_PROGRAMS += test/unit/test_ed448
test_unit_test_ed448_SOURCES = test/unit/test_ed448.c test/unit/unit.h test/unit/vectors.h
test_unit_test_ed448_LDADD = $(CRYPTO_TEST_LIBS)

check_PROGRAMS += test/unit/test_encodings
test_unit_test_encodings_SOURCES = test/unit/test_encodings.c test/unit/unit.h test/unit/vectors.h
test_unit_test_encodings_LDADD = $(CRYPTO_TEST_LIBS)

check_PROGRAMS += test/unit/test_hash
test_unit_test_hash_SOURCES = test/unit/test_hash.c test/unit/unit.h test/unit/vectors.h
test_unit_test_hash_LDADD = $(CRYPTO_TEST_LIBS)

check_PROGRAMS += test/unit/test_bip324
test_unit_test_bip324_SOURCES = test/unit/test_bip324.c test/unit/unit.h test/unit/vectors.h
test_unit_test_bip324_LDADD = $(CRYPTO_TEST_LIBS)

check_PROGRAMS += test/unit/test_secp
test_unit_test_secp_SOURCES = test/unit/test_secp.c test/unit/unit.h test/unit/vectors.h
test_unit_test_secp_LDADD = $(CRYPTO_TEST_LIBS)

check_PROGRAMS += test/unit/test_db
test_unit_test_db_SOURCES = test/unit/test_db.c test/unit/unit.h
test_unit_test_db_LDADD = libochre_db.a $(UTIL_TEST_LIBS) $(DB_LIBS)
CHAIN_TEST_LIBS = $(CHAIN_LIBS) $(CMOCKA_LIBS) $(JANSSON_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

check_PROGRAMS += test/unit/test_prim
test_unit_test_prim_SOURCES = test/unit/test_prim.c test/unit/vectors.h
test_unit_test_prim_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_sigcache
test_unit_test_sigcache_SOURCES = test/unit/test_sigcache.c test/unit/vectors.h
test_unit_test_sigcache_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_script
test_unit_test_script_SOURCES = test/unit/test_script.c test/unit/vectors.h
test_unit_test_script_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_tx
test_unit_test_tx_SOURCES = test/unit/test_tx.c test/unit/vectors.h
test_unit_test_tx_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_taproot
test_unit_test_taproot_SOURCES = test/unit/test_taproot.c test/unit/vectors.h
test_unit_test_taproot_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_address
test_unit_test_address_SOURCES = test/unit/test_address.c test/unit/vectors.h
test_unit_test_address_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_state
test_unit_test_state_SOURCES = test/unit/test_state.c test/unit/unit.h
test_unit_test_state_LDADD = $(CHAIN_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS)

RAPTORQ_TEST_LIBS = libochre_raptorq.a $(CRYPTO_TEST_LIBS)

check_PROGRAMS += test/unit/test_raptorq_vectors
test_unit_test_raptorq_vectors_SOURCES = test/unit/test_raptorq_vectors.c test/unit/unit.h test/unit/vectors.h
test_unit_test_raptorq_vectors_LDADD = $(RAPTORQ_TEST_LIBS)
check_PROGRAMS += test/unit/test_descriptor
test_unit_test_descriptor_SOURCES = test/unit/test_descriptor.c test/unit/vectors.h
test_unit_test_descriptor_LDADD = $(CHAIN_TEST_LIBS)
check_PROGRAMS += test/unit/test_psbt
test_unit_test_psbt_SOURCES = test/unit/test_psbt.c test/unit/unit.h test/unit/vectors.h
test_unit_test_psbt_LDADD = libochre_wallet.a $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_utxo_file
test_unit_test_utxo_file_SOURCES = test/unit/test_utxo_file.c test/unit/unit.h
test_unit_test_utxo_file_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_coinselect
test_unit_test_coinselect_SOURCES = test/unit/test_coinselect.c test/unit/unit.h
test_unit_test_coinselect_LDADD = libochre_wallet.a $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_descriptor_wallet
test_unit_test_descriptor_wallet_SOURCES = test/unit/test_descriptor_wallet.c test/unit/unit.h
test_unit_test_descriptor_wallet_LDADD = $(CHAIN_TEST_LIBS)
check_PROGRAMS += test/unit/test_bip39
test_unit_test_bip39_SOURCES = test/unit/test_bip39.c test/unit/unit.h
test_unit_test_bip39_LDADD = libochre_crypto.a libochre_util.a $(CMOCKA_LIBS) $(CRYPTO_LIBS)
check_PROGRAMS += test/unit/test_miniscript
test_unit_test_miniscript_SOURCES = test/unit/test_miniscript.c \
	test/unit/miniscript_tools.h test/unit/unit.h
test_unit_test_miniscript_LDADD = $(CHAIN_TEST_LIBS)
check_PROGRAMS += test/unit/test_descriptor_miniscript
test_unit_test_descriptor_miniscript_SOURCES = test/unit/test_descriptor_miniscript.c \
	test/unit/vectors.h
test_unit_test_descriptor_miniscript_LDADD = $(CHAIN_TEST_LIBS)
check_PROGRAMS += test/unit/test_descriptor_bips
test_unit_test_descriptor_bips_SOURCES = test/unit/test_descriptor_bips.c test/unit/vectors.h
test_unit_test_descriptor_bips_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_tickets
test_unit_test_tickets_SOURCES = test/unit/test_tickets.c test/unit/unit.h
test_unit_test_tickets_LDADD = $(TICKETS_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm
check_PROGRAMS += test/unit/test_tokens
test_unit_test_tokens_SOURCES = test/unit/test_tokens.c test/unit/unit.h
test_unit_test_tokens_LDADD = libochre_tickets.a $(CHAIN_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm
check_PROGRAMS += test/unit/test_sign
test_unit_test_sign_SOURCES = test/unit/test_sign.c test/unit/vectors.h
test_unit_test_sign_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_rpc
test_unit_test_rpc_SOURCES = test/unit/test_rpc.c test/unit/unit.h
test_unit_test_rpc_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_rpc_results
test_unit_test_rpc_results_SOURCES = test/unit/test_rpc_results.c test/unit/unit.h
test_unit_test_rpc_results_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_rules
test_unit_test_rules_SOURCES = test/unit/test_rules.c test/unit/asert_vectors.h test/unit/unit.h
test_unit_test_rules_LDADD = $(CHAIN_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS)
check_PROGRAMS += test/unit/test_unknown_rules
test_unit_test_unknown_rules_SOURCES = test/unit/test_unknown_rules.c test/unit/unit.h
test_unit_test_unknown_rules_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_fee_estimator
test_unit_test_fee_estimator_SOURCES = test/unit/test_fee_estimator.c test/unit/unit.h
test_unit_test_fee_estimator_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_mempool
test_unit_test_mempool_SOURCES = test/unit/test_mempool.c test/unit/chain_fixture.h \
	test/unit/chain_blocks.h test/unit/unit.h
test_unit_test_mempool_LDADD = $(CHAIN_TEST_LIBS)
check_PROGRAMS += test/unit/test_grounds
test_unit_test_grounds_SOURCES = test/unit/test_grounds.c test/unit/mempool_world.h \
	test/unit/chain_fixture.h test/unit/chain_blocks.h test/unit/unit.h
test_unit_test_grounds_LDADD = $(CHAIN_TEST_LIBS)
check_PROGRAMS += test/unit/test_packages
test_unit_test_packages_SOURCES = test/unit/test_packages.c test/unit/package_model.h test/unit/mempool_world.h test/unit/chain_fixture.h test/unit/unit.h
test_unit_test_packages_LDADD = $(CHAIN_TEST_LIBS)

check_PROGRAMS += test/unit/test_spec_tickets
test_unit_test_spec_tickets_SOURCES = test/unit/test_spec_tickets.c \
	test/unit/spec_examples.h test/unit/state_fixture.h test/unit/unit.h
test_unit_test_spec_tickets_LDADD = $(TICKETS_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

check_PROGRAMS += test/unit/test_supernodes
test_unit_test_supernodes_SOURCES = test/unit/test_supernodes.c test/unit/state_fixture.h \
	test/unit/unit.h
test_unit_test_supernodes_LDADD = $(TICKETS_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

check_PROGRAMS += test/unit/test_spec
test_unit_test_spec_SOURCES = test/unit/test_spec.c test/unit/spec_examples.h test/unit/state_fixture.h test/unit/state_fixture.h test/unit/unit.h
test_unit_test_spec_LDADD = $(TICKETS_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

check_PROGRAMS += test/unit/test_raptorq
test_unit_test_raptorq_SOURCES = test/unit/test_raptorq.c test/unit/raptorq_tools.h test/unit/unit.h
test_unit_test_raptorq_LDADD = libochre_raptorq.a $(CMOCKA_LIBS)

check_PROGRAMS += test/unit/test_raptorq_kernels
test_unit_test_raptorq_kernels_SOURCES = test/unit/test_raptorq_kernels.c test/unit/raptorq_tools.h test/unit/unit.h
test_unit_test_raptorq_kernels_LDADD = libochre_raptorq.a $(CMOCKA_LIBS)
check_PROGRAMS += test/unit/test_warnings
test_unit_test_warnings_SOURCES = test/unit/test_warnings.c test/unit/unit.h
test_unit_test_warnings_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_transport
test_unit_test_transport_SOURCES = test/unit/test_transport.c test/unit/unit.h
test_unit_test_transport_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_wallet_fund
test_unit_test_wallet_fund_SOURCES = test/unit/test_wallet_fund.c test/unit/spend_fixture.h \
	test/unit/wallet_fixture.h test/unit/unit.h
test_unit_test_wallet_fund_LDADD = $(WALLET_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

check_PROGRAMS += test/unit/test_wallet_txs
test_unit_test_wallet_txs_SOURCES = test/unit/test_wallet_txs.c test/unit/wallet_fixture.h \
	test/unit/unit.h
test_unit_test_wallet_txs_LDADD = $(WALLET_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm
check_PROGRAMS += test/unit/test_block_filter
test_unit_test_block_filter_SOURCES = test/unit/test_block_filter.c test/unit/unit.h test/unit/vectors.h
test_unit_test_block_filter_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(JANSSON_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_net_turns
test_unit_test_net_turns_SOURCES = test/unit/test_net_turns.c test/unit/unit.h \
	test/fuzz/net_lab.c test/fuzz/net_lab.h
test_unit_test_net_turns_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_net_wire
test_unit_test_net_wire_SOURCES = test/unit/test_net_wire.c test/unit/unit.h
test_unit_test_net_wire_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_sam
test_unit_test_sam_SOURCES = test/unit/test_sam.c test/unit/unit.h
test_unit_test_sam_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_tor_reply
test_unit_test_tor_reply_SOURCES = test/unit/test_tor_reply.c test/unit/unit.h
test_unit_test_tor_reply_LDADD = libochre_net.a libochre_util.a $(CMOCKA_LIBS)

check_PROGRAMS += test/unit/test_net_lab
test_unit_test_net_lab_SOURCES = test/unit/test_net_lab.c test/unit/unit.h test/fuzz/net_lab.c \
	test/fuzz/net_lab.h
EXTRA_test_unit_test_net_lab_DEPENDENCIES = test/fuzz/fuzz_net_handler.c \
	test/fuzz/fuzz_net_session.c
test_unit_test_net_lab_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_net_parts
test_unit_test_net_parts_SOURCES = test/unit/test_net_parts.c test/unit/unit.h
test_unit_test_net_parts_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_net_peers
test_unit_test_net_peers_SOURCES = test/unit/test_net_peers.c test/unit/unit.h
test_unit_test_net_peers_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_presync
test_unit_test_presync_SOURCES = test/unit/test_presync.c test/unit/unit.h
test_unit_test_presync_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_orphanage
test_unit_test_orphanage_SOURCES = test/unit/test_orphanage.c test/unit/orphanage_model.h \
	test/unit/source.h test/unit/unit.h
test_unit_test_orphanage_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_txrequest
test_unit_test_txrequest_SOURCES = test/unit/test_txrequest.c test/unit/txrequest_model.h \
	test/unit/source.h test/unit/unit.h
test_unit_test_txrequest_LDADD = $(NODE_LIBS) $(CMOCKA_LIBS) $(ALL_LIBS)

check_PROGRAMS += test/unit/test_raptorq_object
test_unit_test_raptorq_object_SOURCES = test/unit/test_raptorq_object.c test/unit/raptorq_tools.h test/unit/unit.h
test_unit_test_raptorq_object_LDADD = libochre_raptorq.a $(CMOCKA_LIBS)

check_PROGRAMS += test/unit/test_secret
test_unit_test_secret_SOURCES = test/unit/test_secret.c test/unit/unit.h
test_unit_test_secret_LDADD = $(CRYPTO_TEST_LIBS)

check_PROGRAMS += test/unit/test_sqlite
test_unit_test_sqlite_SOURCES = test/unit/test_sqlite.c test/unit/unit.h
test_unit_test_sqlite_LDADD = libochre_db.a $(CRYPTO_TEST_LIBS) $(DB_LIBS)

check_PROGRAMS += test/unit/test_wallet_files
test_unit_test_wallet_files_SOURCES = test/unit/test_wallet_files.c \
	test/unit/wallet_file_fixture.h test/unit/unit.h
test_unit_test_wallet_files_LDADD = $(WALLET_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

check_PROGRAMS += test/unit/test_wallet_spkman
test_unit_test_wallet_spkman_SOURCES = test/unit/test_wallet_spkman.c \
	test/unit/wallet_file_fixture.h test/unit/unit.h
test_unit_test_wallet_spkman_LDADD = $(WALLET_LIBS) $(CMOCKA_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

# A million sets of symbols: minutes, not part of make check.
EXTRA_PROGRAMS += test/unit/raptorq_long
test_unit_raptorq_long_SOURCES = test/unit/raptorq_long.c test/unit/raptorq_tools.h test/unit/unit.h
test_unit_raptorq_long_LDADD = libochre_raptorq.a $(CMOCKA_LIBS)
check-raptorq-long: test/unit/raptorq_long
	test/unit/raptorq_long $(RAPTORQ_SETS) $(RAPTORQ_SEED)

# Every octet defined before use: half a minute.
check-raptorq-memory: test/unit/test_raptorq test/unit/test_raptorq_kernels test/unit/test_raptorq_object
	for t in $^; do valgrind -q --error-exitcode=9 $$t || exit 1; done

TESTS += $(check_PROGRAMS)
endif
