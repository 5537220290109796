noinst_LIBRARIES += libochre_wallet.a
libochre_wallet_a_SOURCES = \
	src/wallet/addressbook.c src/wallet/addressbook.h \
	src/wallet/crypt.c src/wallet/crypt.h \
	src/wallet/dump.c src/wallet/dump.h \
	src/wallet/dump_row.c src/wallet/dump_row.h \
	src/wallet/error.c src/wallet/error.h \
	src/wallet/manager.c src/wallet/manager.h \
	src/wallet/relock.c src/wallet/relock.h \
	src/wallet/schema.c src/wallet/schema.h \
	src/wallet/script_chunk.c src/wallet/script_chunk.h \
	src/wallet/seed.c src/wallet/seed.h \
	src/wallet/settings_list.c src/wallet/settings_list.h \
	src/wallet/spkman.c src/wallet/spkman.h src/wallet/spkman_impl.h \
	src/wallet/spkman_address.c \
	src/wallet/spkman_defaults.c \
	src/wallet/spkman_derive.c \
	src/wallet/spkman_desc.c \
	src/wallet/spkman_import.c \
	src/wallet/spkman_keys.c \
	src/wallet/store.c src/wallet/store.h \
	src/wallet/wallet.c src/wallet/wallet.h \
	src/wallet/wallet_dir.c src/wallet/wallet_dir.h

# Transactions and the chain
libochre_wallet_a_SOURCES += \
	src/wallet/balance.c src/wallet/balance.h \
	src/wallet/chain_feed.c \
	src/wallet/chain_source.h \
	src/wallet/family.c \
	src/wallet/follow.c src/wallet/follow.h src/wallet/follow_impl.h \
	src/wallet/grouping.c src/wallet/grouping.h \
	src/wallet/history.c src/wallet/history.h \
	src/wallet/join.c \
	src/wallet/rebroadcast.c src/wallet/rebroadcast.h \
	src/wallet/scan.c src/wallet/scan.h \
	src/wallet/scan_filter.c src/wallet/scan_filter.h \
	src/wallet/sighting.c \
	src/wallet/smart_time.c src/wallet/smart_time.h \
	src/wallet/tx_notify.c src/wallet/tx_notify.h \
	src/wallet/tx_row.c src/wallet/tx_row.h \
	src/wallet/txstore.c src/wallet/txstore.h src/wallet/txstore_impl.h \
	src/wallet/wallet_tx.c

# Spending
libochre_wallet_a_SOURCES += \
	src/wallet/bump.c src/wallet/bump.h \
	src/wallet/coin_locks.c \
	src/wallet/coincontrol.c src/wallet/coincontrol.h \
	src/wallet/coins.c src/wallet/coins.h \
	src/wallet/coinselect.c src/wallet/coinselect.h src/wallet/coinselect_parts.h \
	src/wallet/coinselect_bnb.c \
	src/wallet/coinselect_grinder.c \
	src/wallet/coinselect_groups.c \
	src/wallet/coinselect_knapsack.c \
	src/wallet/coinselect_result.c \
	src/wallet/coinselect_srd.c \
	src/wallet/commit.c \
	src/wallet/fee.c src/wallet/fee.h \
	src/wallet/fee_options.c \
	src/wallet/fund.c src/wallet/fund.h \
	src/wallet/fund_change.c \
	src/wallet/fund_coins.c \
	src/wallet/fund_draft.c \
	src/wallet/input_size.c src/wallet/input_size.h \
	src/wallet/sendall.c src/wallet/sendall.h \
	src/wallet/sign.c src/wallet/sign.h \
	src/wallet/spend.h

# Partially signed transactions
libochre_wallet_a_SOURCES += \
	src/wallet/psbt.c src/wallet/psbt.h \
	src/wallet/psbt_analyze.c src/wallet/psbt_analyze.h \
	src/wallet/psbt_combine.c \
	src/wallet/psbt_fields.c src/wallet/psbt_fields.h \
	src/wallet/psbt_finalize.c \
	src/wallet/psbt_read.c \
	src/wallet/psbt_sign.c \
	src/wallet/psbt_tree.c src/wallet/psbt_tree.h \
	src/wallet/psbt_update.c src/wallet/psbt_update.h \
	src/wallet/psbt_v2.c \
	src/wallet/psbt_wallet.c src/wallet/psbt_wallet.h
