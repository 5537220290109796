libochre_chain_a_SOURCES += \
	src/chain/state/overlay.c src/chain/state/overlay.h \
	src/chain/state/proof.c src/chain/state/proof.h \
	src/chain/state/state.c src/chain/state/state.h \
	src/chain/state/tree.c src/chain/state/tree.h \
	src/chain/state/tree_hash.c src/chain/state/tree_hash.h \
	src/chain/state/tree_page.c src/chain/state/tree_page.h
