# Long programs around the functional tests' framework; pytest runs their short forms.
#   make soak SOAK_SECONDS=60 SOAK_ARGS='--seed 7'
#   make chaos CHAOS_SECONDS=120 CHAOS_ARGS=--namespaces
SOAK_SECONDS = 60
SOAK_ARGS =
CHAOS_SECONDS = 120
CHAOS_ARGS =

soak: all
	OCHRE_BUILDDIR=$(abs_builddir) /usr/bin/python3 $(srcdir)/test/functional/soak.py \
	    --seconds $(SOAK_SECONDS) $(SOAK_ARGS)

soak-long:
	$(MAKE) $(AM_MAKEFLAGS) soak SOAK_SECONDS=3600

chaos: all
	OCHRE_BUILDDIR=$(abs_builddir) /usr/bin/python3 $(srcdir)/test/functional/chaos.py \
	    --seconds $(CHAOS_SECONDS) $(CHAOS_ARGS)

.PHONY: soak soak-long chaos
