noinst_LIBRARIES += libochre_mn.a
libochre_mn_a_SOURCES = \
	src/mn/sn_operator.c src/mn/sn_operator.h \
	src/mn/supernodes.c src/mn/supernodes.h
