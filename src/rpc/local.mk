noinst_LIBRARIES += libochre_rpc.a
libochre_rpc_a_SOURCES = \
	src/rpc/auth.c src/rpc/auth.h \
	src/rpc/call.c \
	src/rpc/cmd_control.c \
	src/rpc/cmd_blockchain.c src/rpc/cmd_blockchain.h \
	src/rpc/cmd_blocks.c src/rpc/cmd_blockstats.c \
	src/rpc/cmd_chain_control.c src/rpc/cmd_deployments.c \
	src/rpc/cmd_txoutset.c \
	src/rpc/cmd_snapshot.c \
	src/rpc/cmd_utxo.c \
	src/rpc/cmd_accept.c \
	src/rpc/cmd_fees.c src/rpc/fee_args.h \
	src/rpc/cmd_index.c \
	src/rpc/cmd_mempool.c \
	src/rpc/cmd_generate.c \
	src/rpc/cmd_mining.c \
	src/rpc/cmd_submit.c src/rpc/submit.h \
	src/rpc/cmd_template.c \
	src/rpc/cmd_pastelid.c \
	src/rpc/cmd_snft.c \
	src/rpc/cmd_state.c \
	src/rpc/cmd_supernode.c \
	src/rpc/cmd_tickets.c \
	src/rpc/json_supernode.c src/rpc/json_supernode.h \
	src/rpc/supernode_list.c src/rpc/supernode_list.h \
	src/rpc/supernode_penalty.c src/rpc/supernode_penalty.h \
	src/rpc/supernode_register.c src/rpc/supernode_register.h \
	src/rpc/cmd_rawtransaction.c src/rpc/raw.h \
	src/rpc/cmd_scan.c src/rpc/cmd_scanblocks.c src/rpc/cmd_txoutproof.c src/rpc/cmd_util.c \
	src/rpc/descriptor_args.c src/rpc/descriptor_args.h \
	src/rpc/raw_build.c src/rpc/raw_combine.c src/rpc/raw_get.c \
	src/rpc/raw_prevouts.c src/rpc/raw_script.c src/rpc/raw_send.c \
	src/rpc/raw_sign.c \
	src/rpc/util_descriptor.c src/rpc/util_message.c src/rpc/util_methods.h \
	src/rpc/util_multisig.c \
	src/rpc/cmd_addrman.c src/rpc/cmd_bans.c \
	src/rpc/cmd_connections.c src/rpc/cmd_net.c src/rpc/cmd_orphans.c src/rpc/cmd_peers.c \
	src/rpc/json_net.c src/rpc/json_net.h \
	src/rpc/context.h \
	src/rpc/help.c \
	src/rpc/job.h \
	src/rpc/json_ticket.c src/rpc/json_ticket.h \
	src/rpc/json_tx.c src/rpc/json_tx.h \
	src/rpc/method.h src/rpc/methods.c \
	src/rpc/params.c \
	src/rpc/cmd_psbt.c src/rpc/psbt_analyze.c src/rpc/psbt_args.c src/rpc/psbt_args.h \
	src/rpc/psbt_decode.c src/rpc/psbt_process.c \
	src/rpc/protocol.h \
	src/rpc/request.c src/rpc/request.h \
	src/rpc/result_check.c src/rpc/result_check.h \
	src/rpc/rest.c src/rpc/rest.h src/rpc/rest_impl.h src/rpc/rest_utxos.c \
	src/rpc/server.c src/rpc/server.h \
	src/rpc/subcommand.c src/rpc/subcommand.h \
	src/rpc/cmd_wallet_address.c src/rpc/cmd_wallet_addressinfo.c \
	src/rpc/cmd_wallet_descriptors.c src/rpc/cmd_wallet_encrypt.c \
	src/rpc/cmd_wallet_import.c src/rpc/cmd_wallet_manage.c \
	src/rpc/wallet_methods.h \
	src/rpc/json_address.c src/rpc/json_address.h \
	src/rpc/cmd_wallet_address.c src/rpc/cmd_wallet_manage.c \
	src/rpc/cmd_wallet_sign.c \
	src/rpc/wallet_args.c src/rpc/wallet_args.h \
	src/rpc/submit_tx.c src/rpc/submit_tx.h \
	src/rpc/ticket_keys.c src/rpc/ticket_keys.h \
	src/rpc/ticket_object.c src/rpc/ticket_object.h \
	src/rpc/ticket_job.h src/rpc/ticket_wallet.c \
	src/rpc/ticket_register.c src/rpc/ticket_register.h \
	src/rpc/ticket_sign.c src/rpc/ticket_sign.h

# Monitoring
libochre_rpc_a_SOURCES += \
	src/rpc/metrics.c src/rpc/metrics.h \
	src/rpc/metrics_chain.c \
	src/rpc/metrics_net.c \
	src/rpc/metrics_node.c

# Balances, history and scans of wallets
libochre_rpc_a_SOURCES += \
	src/rpc/cmd_wallet_balance.c \
	src/rpc/cmd_wallet_history.c \
	src/rpc/cmd_wallet_scan.c \
	src/rpc/wallet_json.c src/rpc/wallet_json.h \
	src/rpc/wallet_methods.h \
	src/rpc/wallet_prunedfunds.c \
	src/rpc/wallet_received.c \
	src/rpc/wallet_simulate.c \
	src/rpc/wallet_since.c

# Spending of wallets
libochre_rpc_a_SOURCES += \
	src/rpc/cmd_wallet_coins.c \
	src/rpc/cmd_wallet_spend.c \
	src/rpc/wallet_bump.c \
	src/rpc/wallet_fee_args.c \
	src/rpc/wallet_finish.c \
	src/rpc/wallet_fund.c \
	src/rpc/wallet_fund_args.c \
	src/rpc/wallet_outputs.c \
	src/rpc/wallet_pay.c \
	src/rpc/wallet_sendall.c \
	src/rpc/wallet_spend.h
if HAVE_ZMQ
libochre_rpc_a_SOURCES += src/rpc/cmd_zmq.c
endif
