noinst_LIBRARIES += libochre_wallet.a
libochre_wallet_a_SOURCES = \
	src/wallet/addressbook.h \
	src/wallet/crypt.h \
	src/wallet/error.c src/wallet/error.h \
	src/wallet/manager.h \
	src/wallet/spkman.h \
	src/wallet/store.h \
	src/wallet/wallet.h
