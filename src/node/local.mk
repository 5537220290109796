noinst_LIBRARIES += libochre_node.a
libochre_node_a_SOURCES =
