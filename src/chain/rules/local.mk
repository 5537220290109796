libochre_chain_a_SOURCES += \
	src/chain/rules/block_check.c src/chain/rules/block_check.h \
	src/chain/rules/block_index.c src/chain/rules/block_index.h \
	src/chain/rules/locks.c src/chain/rules/locks.h \
	src/chain/rules/policy.c src/chain/rules/policy.h \
	src/chain/rules/pow.c src/chain/rules/pow.h \
	src/chain/rules/reject.c src/chain/rules/reject.def src/chain/rules/reject.h \
	src/chain/rules/tx_check.c src/chain/rules/tx_check.h \
	src/chain/rules/unknown_rules.c src/chain/rules/unknown_rules.h \
	src/chain/rules/versionbits.c src/chain/rules/versionbits.h
