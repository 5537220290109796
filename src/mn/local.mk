noinst_LIBRARIES += libochre_mn.a
libochre_mn_a_SOURCES = \
	src/mn/supernodes.c src/mn/supernodes.h
