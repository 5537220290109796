libochre_chain_a_SOURCES += \
	src/chain/rules/block_index.c src/chain/rules/block_index.h \
	src/chain/rules/reject.c src/chain/rules/reject.def src/chain/rules/reject.h
