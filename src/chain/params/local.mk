libochre_chain_a_SOURCES += \
	src/chain/params/assumeutxo.c src/chain/params/assumeutxo.h \
	src/chain/params/params.c src/chain/params/params.h
