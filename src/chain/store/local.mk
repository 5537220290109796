libochre_chain_a_SOURCES += \
	src/chain/store/block_db.c src/chain/store/block_db.h \
	src/chain/store/block_scan.c \
	src/chain/store/block_xor.c src/chain/store/block_xor.h \
	src/chain/store/block_filter.c src/chain/store/block_filter.h \
	src/chain/store/blockfile.c src/chain/store/blockfile.h \
	src/chain/store/coins_cache.c src/chain/store/coins_cache.h \
	src/chain/store/coins_flush.c src/chain/store/coins_impl.h \
	src/chain/store/coin_stats.c src/chain/store/coin_stats.h \
	src/chain/store/coinstats_index.c src/chain/store/coinstats_index.h \
	src/chain/store/filter_index.c src/chain/store/filter_index.h \
	src/chain/store/index_db.c src/chain/store/index_db.h \
	src/chain/store/txindex.c src/chain/store/txindex.h \
	src/chain/store/undo.c src/chain/store/undo.h \
	src/chain/store/utxo_file.c src/chain/store/utxo_file.h \
	src/chain/store/utxo_hash.c src/chain/store/utxo_hash.h
