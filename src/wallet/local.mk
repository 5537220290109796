noinst_LIBRARIES += libochre_wallet.a
libochre_wallet_a_SOURCES = \
	src/wallet/addressbook.h \
	src/wallet/crypt.h \
	src/wallet/error.c src/wallet/error.h \
	src/wallet/manager.h \
	src/wallet/spkman.h \
	src/wallet/store.h \
	src/wallet/wallet.h

# Spending
libochre_wallet_a_SOURCES += \
	src/wallet/coincontrol.h \
	src/wallet/coinselect.c src/wallet/coinselect.h src/wallet/coinselect_parts.h \
	src/wallet/coinselect_bnb.c \
	src/wallet/coinselect_grinder.c \
	src/wallet/coinselect_groups.c \
	src/wallet/coinselect_knapsack.c \
	src/wallet/coinselect_result.c \
	src/wallet/coinselect_srd.c \
	src/wallet/fee.h \
	src/wallet/sign.h \
	src/wallet/spend.h
