# RaptorQ (RFC 6330): a library of its own
noinst_LIBRARIES += libochre_raptorq.a
libochre_raptorq_a_SOURCES = \
	src/storage/raptorq/raptorq.h \
	src/storage/raptorq/status.c \
	src/storage/raptorq/tables.c src/storage/raptorq/tables.h \
	src/storage/raptorq/params.c src/storage/raptorq/tuple.h \
	src/storage/raptorq/oti.c \
	src/storage/raptorq/mem.c src/storage/raptorq/mem.h \
	src/storage/raptorq/matrix.c src/storage/raptorq/symbolic.h \
	src/storage/raptorq/peel.c \
	src/storage/raptorq/dense.c \
	src/storage/raptorq/plan.c src/storage/raptorq/plan.h \
	src/storage/raptorq/view.c src/storage/raptorq/view.h \
	src/storage/raptorq/exec.c src/storage/raptorq/exec.h \
	src/storage/raptorq/generator.c src/storage/raptorq/generator.h \
	src/storage/raptorq/cost.c src/storage/raptorq/cost.h \
	src/storage/raptorq/ctx.c src/storage/raptorq/ctx.h \
	src/storage/raptorq/plan_file.c \
	src/storage/raptorq/encoder.c \
	src/storage/raptorq/decoder.c src/storage/raptorq/decoder.h \
	src/storage/raptorq/decode_few.c \
	src/storage/raptorq/decode_general.c \
	src/storage/raptorq/object.c src/storage/raptorq/object.h \
	src/storage/raptorq/object_encode.c \
	src/storage/raptorq/object_decode.c \
	src/storage/raptorq/pool.c \
	src/storage/raptorq/kernels.c src/storage/raptorq/kernels.h \
	src/storage/raptorq/kernels_cpu.h src/storage/raptorq/kernels_body.h \
	src/storage/raptorq/kernels_slice.h src/storage/raptorq/kernels_avx2_base.h \
	src/storage/raptorq/kernels_portable.c \
	src/storage/raptorq/kernels_ssse3.c \
	src/storage/raptorq/kernels_avx2.c \
	src/storage/raptorq/kernels_avx2_gfni.c \
	src/storage/raptorq/kernels_avx512.c \
	src/storage/raptorq/kernels_neon.c
EXTRA_DIST += src/storage/raptorq/rfc6330.txt contrib/devtools/rq-tables.py
