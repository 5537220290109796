# libFuzzer targets: ./configure CC=clang --enable-fuzz --enable-asan
# `make fuzz` runs each for FUZZ_SECONDS on its seeds in test/fuzz/corpus/<target>.
FUZZ_SECONDS = 60
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
FUZZERS =

FUZZERS += test/fuzz/fuzz_config
test_fuzz_fuzz_config_SOURCES = test/fuzz/fuzz_config.c test/fuzz/fuzz.h
test_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_config_LDADD = libochre_util.a

FUZZERS += test/fuzz/fuzz_http
test_fuzz_fuzz_http_SOURCES = test/fuzz/fuzz_http.c test/fuzz/fuzz.h
test_fuzz_fuzz_http_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_http_LDADD = libochre_io.a libochre_util.a $(IO_LIBS)

FUZZERS += test/fuzz/fuzz_socks5
test_fuzz_fuzz_socks5_SOURCES = test/fuzz/fuzz_socks5.c test/fuzz/fuzz.h
test_fuzz_fuzz_socks5_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_socks5_LDADD = libochre_io.a libochre_util.a $(IO_LIBS)

FUZZERS += test/fuzz/fuzz_json
test_fuzz_fuzz_json_SOURCES = test/fuzz/fuzz_json.c test/fuzz/fuzz.h
test_fuzz_fuzz_json_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_json_LDADD = libochre_util.a

FUZZERS += test/fuzz/fuzz_rpc_request
test_fuzz_fuzz_rpc_request_SOURCES = test/fuzz/fuzz_rpc_request.c test/fuzz/fuzz.h
test_fuzz_fuzz_rpc_request_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_rpc_request_LDADD = $(NODE_LIBS) $(ALL_LIBS)

FUZZERS += test/fuzz/fuzz_encodings
test_fuzz_fuzz_encodings_SOURCES = test/fuzz/fuzz_encodings.c test/fuzz/fuzz.h
test_fuzz_fuzz_encodings_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_encodings_LDADD = $(TICKETS_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_state_proof
test_fuzz_fuzz_state_proof_SOURCES = test/fuzz/fuzz_state_proof.c test/fuzz/fuzz.h
test_fuzz_fuzz_state_proof_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_state_proof_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_light_proof
test_fuzz_fuzz_light_proof_SOURCES = test/fuzz/fuzz_light_proof.c test/fuzz/fuzz.h
test_fuzz_fuzz_light_proof_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_light_proof_LDADD = $(TICKETS_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_ticket
test_fuzz_fuzz_ticket_SOURCES = test/fuzz/fuzz_ticket.c test/fuzz/fuzz.h
test_fuzz_fuzz_ticket_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_ticket_LDADD = $(TICKETS_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_undo
test_fuzz_fuzz_undo_SOURCES = test/fuzz/fuzz_undo.c test/fuzz/fuzz.h
test_fuzz_fuzz_undo_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_undo_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_utxo_file
test_fuzz_fuzz_utxo_file_SOURCES = test/fuzz/fuzz_utxo_file.c test/fuzz/fuzz.h
test_fuzz_fuzz_utxo_file_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_utxo_file_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_fee_estimates
test_fuzz_fuzz_fee_estimates_SOURCES = test/fuzz/fuzz_fee_estimates.c test/fuzz/fuzz.h
test_fuzz_fuzz_fee_estimates_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_fee_estimates_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_wallet_tx
test_fuzz_fuzz_wallet_tx_SOURCES = test/fuzz/fuzz_wallet_tx.c test/fuzz/fuzz.h
test_fuzz_fuzz_wallet_tx_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_wallet_tx_LDADD = $(WALLET_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_net_message
test_fuzz_fuzz_net_message_SOURCES = test/fuzz/fuzz_net_message.c test/fuzz/fuzz.h
test_fuzz_fuzz_net_message_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_net_message_LDADD = $(NODE_LIBS) $(ALL_LIBS)

FUZZERS += test/fuzz/fuzz_asmap
test_fuzz_fuzz_asmap_SOURCES = test/fuzz/fuzz_asmap.c test/fuzz/fuzz.h
test_fuzz_fuzz_asmap_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_asmap_LDADD = $(NODE_LIBS) $(ALL_LIBS)

FUZZERS += test/fuzz/fuzz_net_frame
test_fuzz_fuzz_net_frame_SOURCES = test/fuzz/fuzz_net_frame.c test/fuzz/fuzz.h
test_fuzz_fuzz_net_frame_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_net_frame_LDADD = $(NODE_LIBS) $(ALL_LIBS)

FUZZERS += test/fuzz/fuzz_sam
test_fuzz_fuzz_sam_SOURCES = test/fuzz/fuzz_sam.c test/fuzz/fuzz.h
test_fuzz_fuzz_sam_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_sam_LDADD = $(NODE_LIBS) $(ALL_LIBS)

FUZZERS += test/fuzz/fuzz_tor_reply
test_fuzz_fuzz_tor_reply_SOURCES = test/fuzz/fuzz_tor_reply.c test/fuzz/fuzz.h
test_fuzz_fuzz_tor_reply_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_tor_reply_LDADD = libochre_net.a libochre_util.a

FUZZERS += test/fuzz/fuzz_net_transport
test_fuzz_fuzz_net_transport_SOURCES = test/fuzz/fuzz_net_transport.c test/fuzz/fuzz.h
test_fuzz_fuzz_net_transport_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_net_transport_LDADD = $(NODE_LIBS) $(ALL_LIBS)

NET_LAB = test/fuzz/net_lab.c test/fuzz/net_lab.h test/unit/chain_blocks.h

FUZZERS += test/fuzz/fuzz_net_handler
test_fuzz_fuzz_net_handler_SOURCES = test/fuzz/fuzz_net_handler.c $(NET_LAB) test/fuzz/fuzz.h
test_fuzz_fuzz_net_handler_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_net_handler_LDADD = $(NODE_LIBS) $(ALL_LIBS)

# Writes the seeds of both again: test/fuzz/net_seeds test/fuzz/corpus
EXTRA_PROGRAMS += test/fuzz/net_seeds
test_fuzz_net_seeds_SOURCES = test/fuzz/net_seeds.c $(NET_LAB)
test_fuzz_net_seeds_LDADD = $(NODE_LIBS) $(ALL_LIBS)

FUZZERS += test/fuzz/fuzz_net_session
test_fuzz_fuzz_net_session_SOURCES = test/fuzz/fuzz_net_session.c $(NET_LAB) test/fuzz/fuzz.h
test_fuzz_fuzz_net_session_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_net_session_LDADD = $(NODE_LIBS) $(ALL_LIBS)

FUZZERS += test/fuzz/fuzz_orphanage
test_fuzz_fuzz_orphanage_SOURCES = test/fuzz/fuzz_orphanage.c test/fuzz/fuzz.h \
	test/unit/orphanage_model.h test/unit/source.h
test_fuzz_fuzz_orphanage_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_orphanage_LDADD = $(NODE_LIBS) $(ALL_LIBS)

FUZZERS += test/fuzz/fuzz_txrequest
test_fuzz_fuzz_txrequest_SOURCES = test/fuzz/fuzz_txrequest.c test/fuzz/fuzz.h \
	test/unit/txrequest_model.h test/unit/source.h
test_fuzz_fuzz_txrequest_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_txrequest_LDADD = $(NODE_LIBS) $(ALL_LIBS)

FUZZERS += test/fuzz/fuzz_address
test_fuzz_fuzz_address_SOURCES = test/fuzz/fuzz_address.c test/fuzz/fuzz.h
test_fuzz_fuzz_address_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_address_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_block
test_fuzz_fuzz_block_SOURCES = test/fuzz/fuzz_block.c test/fuzz/fuzz.h
test_fuzz_fuzz_block_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_block_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_descriptor
test_fuzz_fuzz_descriptor_SOURCES = test/fuzz/fuzz_descriptor.c test/fuzz/fuzz.h
test_fuzz_fuzz_descriptor_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_descriptor_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_miniscript
test_fuzz_fuzz_miniscript_SOURCES = test/fuzz/fuzz_miniscript.c test/fuzz/fuzz.h \
	test/unit/miniscript_tools.h
test_fuzz_fuzz_miniscript_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_miniscript_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_psbt
test_fuzz_fuzz_psbt_SOURCES = test/fuzz/fuzz_psbt.c test/fuzz/fuzz.h
test_fuzz_fuzz_psbt_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_psbt_LDADD = $(WALLET_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_script
test_fuzz_fuzz_script_SOURCES = test/fuzz/fuzz_script.c test/fuzz/fuzz.h
test_fuzz_fuzz_script_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_script_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_tx
test_fuzz_fuzz_tx_SOURCES = test/fuzz/fuzz_tx.c test/fuzz/fuzz.h
test_fuzz_fuzz_tx_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_tx_LDADD = $(CHAIN_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_wallet_dump
test_fuzz_fuzz_wallet_dump_SOURCES = test/fuzz/fuzz_wallet_dump.c test/fuzz/fuzz.h
test_fuzz_fuzz_wallet_dump_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_wallet_dump_LDADD = $(WALLET_LIBS) $(DB_LIBS) $(CRYPTO_LIBS) -lm

FUZZERS += test/fuzz/fuzz_raptorq_ids
test_fuzz_fuzz_raptorq_ids_SOURCES = test/fuzz/fuzz_raptorq_ids.c test/fuzz/fuzz.h
test_fuzz_fuzz_raptorq_ids_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_raptorq_ids_LDADD = libochre_raptorq.a libochre_util.a

FUZZERS += test/fuzz/fuzz_raptorq_decode
test_fuzz_fuzz_raptorq_decode_SOURCES = test/fuzz/fuzz_raptorq_decode.c test/fuzz/fuzz.h
test_fuzz_fuzz_raptorq_decode_LDFLAGS = $(FUZZ_LINK)
test_fuzz_fuzz_raptorq_decode_LDADD = libochre_raptorq.a libochre_util.a

if ENABLE_FUZZ
noinst_PROGRAMS += $(FUZZERS)

# New inputs are kept in the build directory, not among the seeds.
fuzz: $(FUZZERS)
	@for p in $(FUZZERS); do \
	    name=$${p##*/fuzz_}; \
	    mkdir -p fuzz-found/$$name; \
	    echo "== $$name"; \
	    ./$$p -max_total_time=$(FUZZ_SECONDS) -timeout=25 -verbosity=0 -print_final_stats=1 \
	        fuzz-found/$$name $(srcdir)/test/fuzz/corpus/$$name || exit 1; \
	done
endif
EXTRA_DIST += test/fuzz/corpus
