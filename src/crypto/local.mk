noinst_LIBRARIES += libochre_crypto.a
libochre_crypto_a_SOURCES = \
	src/crypto/aead.c src/crypto/aead.h \
	src/crypto/base58.c src/crypto/base58.h \
	src/crypto/bech32.c src/crypto/bech32.h \
	src/crypto/bip32.c src/crypto/bip32.h \
	src/crypto/bip324.c src/crypto/bip324.h \
	src/crypto/bip39.c src/crypto/bip39.h src/crypto/bip39_english.def \
	src/crypto/ed25519.c src/crypto/ed25519.h \
	src/crypto/ed448.c src/crypto/ed448.h \
	src/crypto/ellswift.c src/crypto/ellswift.h \
	src/crypto/hash.c src/crypto/hash.h \
	src/crypto/keccak.h \
	src/crypto/muhash.c \
	src/crypto/ripemd160.c \
	src/crypto/secp.c src/crypto/secp.h \
	src/crypto/secret.c src/crypto/secret.h \
	src/crypto/sha256.c src/crypto/sha256.h src/crypto/sha256_impl.h \
	src/crypto/sha256_avx2.c src/crypto/sha256_portable.c src/crypto/sha256_shani.c \
	src/crypto/sha3.c
