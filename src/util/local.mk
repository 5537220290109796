noinst_LIBRARIES += libochre_util.a
libochre_util_a_SOURCES = \
	src/util/amount.c src/util/amount.h \
	src/util/args.c src/util/args.h src/util/args_internal.h \
	src/util/args_file.c src/util/args_help.c src/util/args_lookup.c \
	src/util/base64.c src/util/base64.h \
	src/util/bytes.c src/util/bytes.h \
	src/util/clock.c src/util/clock.h \
	src/util/err.c src/util/err.h \
	src/util/fs.c src/util/fs.h \
	src/util/heap.h \
	src/util/hex.c src/util/hex.h \
	src/util/histogram.c src/util/histogram.h \
	src/util/json_read.c src/util/json_write.c src/util/json.h \
	src/util/log.c src/util/log.h \
	src/util/map.c src/util/map.h \
	src/util/mem.c src/util/mem.h \
	src/util/pool.c src/util/pool.h \
	src/util/rand.c src/util/rand.h \
	src/util/reader.c src/util/reader.h \
	src/util/ring.h \
	src/util/sink.c src/util/sink.h \
	src/util/utf8.h
