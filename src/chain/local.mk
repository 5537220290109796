noinst_LIBRARIES += libochre_chain.a
libochre_chain_a_SOURCES =
include src/chain/params/local.mk
include src/chain/rules/local.mk
include src/chain/store/local.mk
include src/chain/state/local.mk
include src/chain/validation/local.mk
include src/chain/mempool/local.mk
include src/chain/mining/local.mk

libochre_chain_a_SOURCES += \
	src/chain/prim/arith.c src/chain/prim/arith.h \
	src/chain/prim/block.c src/chain/prim/block.h \
	src/chain/prim/coin.c src/chain/prim/coin.h \
	src/chain/prim/merkle.c src/chain/prim/merkle.h \
	src/chain/prim/merkleblock.c src/chain/prim/merkleblock.h \
	src/chain/prim/mtx.c \
	src/chain/prim/tx.c src/chain/prim/tx.h \
	src/chain/prim/tx_place.h

libochre_chain_a_SOURCES += \
	src/chain/script/address.c src/chain/script/address.h \
	src/chain/script/descriptor.c src/chain/script/descriptor.h \
	src/chain/script/descriptor_cache.c src/chain/script/descriptor_derive.c \
	src/chain/script/descriptor_expand.c src/chain/script/descriptor_print.c \
	src/chain/script/descriptor_miniscript.c src/chain/script/descriptor_size.c \
	src/chain/script/descriptor_impl.h src/chain/script/descriptor_infer.c \
	src/chain/script/descriptor_key.c src/chain/script/descriptor_parse.c \
	src/chain/script/keystore.c src/chain/script/keystore.h \
	src/chain/script/miniscript.c src/chain/script/miniscript.h \
	src/chain/script/miniscript_cost.c src/chain/script/miniscript_decode.c \
	src/chain/script/miniscript_impl.h src/chain/script/miniscript_satisfy.c \
	src/chain/script/miniscript_script.c src/chain/script/miniscript_text.c \
	src/chain/script/miniscript_tokens.c src/chain/script/miniscript_type.c \
	src/chain/script/sig_data.c src/chain/script/sign_miniscript.c \
	src/chain/script/sign.c src/chain/script/sign.h src/chain/script/sign_impl.h \
	src/chain/script/taproot_sign.c src/chain/script/taproot_sign.h \
	src/chain/script/interpreter.c src/chain/script/interpreter.h \
	src/chain/script/machine.h src/chain/script/op_sig.c src/chain/script/ops.c \
	src/chain/script/opcodes.def \
	src/chain/script/script.c src/chain/script/script.h \
	src/chain/script/script_error.c src/chain/script/script_error.h \
	src/chain/script/script_error.def src/chain/script/script_flags.def \
	src/chain/script/sig_encoding.c src/chain/script/sig_encoding.h \
	src/chain/script/sigcache.c src/chain/script/sigcache.h \
	src/chain/script/sighash.c src/chain/script/sighash.h \
	src/chain/script/signed_message.c src/chain/script/signed_message.h \
	src/chain/script/sigops.c \
	src/chain/script/script_text.c \
	src/chain/script/tx_decode.c src/chain/script/tx_decode.h \
	src/chain/script/solver.c src/chain/script/solver.h
