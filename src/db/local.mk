noinst_LIBRARIES += libochre_db.a
libochre_db_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
libochre_db_a_SOURCES = src/db/db.c src/db/db.h src/db/sqlite.c src/db/sqlite.h
