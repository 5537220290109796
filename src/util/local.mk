noinst_LIBRARIES += libochre_util.a
libochre_util_a_SOURCES = \
	src/util/err.c src/util/err.h
