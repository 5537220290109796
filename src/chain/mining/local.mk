libochre_chain_a_SOURCES += \
	src/chain/mining/bump_fees.c src/chain/mining/bump_fees.h \
	src/chain/mining/miner.c src/chain/mining/miner.h \
	src/chain/mining/select.c \
	src/chain/mining/template.c
