libochre_chain_a_SOURCES += \
	src/chain/store/blockfile.h \
	src/chain/store/coins_cache.h \
	src/chain/store/undo.h
