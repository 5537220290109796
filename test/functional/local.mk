# Long programs around the functional tests' framework; pytest runs their short forms.
#   make soak SOAK_SECONDS=60 SOAK_ARGS='--seed 7'
#   make chaos CHAOS_SECONDS=120 CHAOS_ARGS=--namespaces
# The functional tests themselves, with threads that come late at random:
#   make jitter JITTER_SEED=7 JITTER_ARGS='-n 3 -k p2p'
SOAK_SECONDS = 60
SOAK_ARGS =
CHAOS_SECONDS = 120
CHAOS_ARGS =
JITTER_SEED = $$(shuf -n 1 -i 1-999999)
JITTER_ARGS =

soak: all
	OCHRE_BUILDDIR=$(abs_builddir) /usr/bin/python3 $(srcdir)/test/functional/soak.py \
	    --seconds $(SOAK_SECONDS) $(SOAK_ARGS)

soak-long:
	$(MAKE) $(AM_MAKEFLAGS) soak SOAK_SECONDS=3600

chaos: all
	OCHRE_BUILDDIR=$(abs_builddir) /usr/bin/python3 $(srcdir)/test/functional/chaos.py \
	    --seconds $(CHAOS_SECONDS) $(CHAOS_ARGS)

jitter: all
	OCHRE_JITTER=$(JITTER_SEED) OCHRE_BUILDDIR=$(abs_builddir) /usr/bin/python3 -m pytest -q \
	    -p no:cacheprovider $(JITTER_ARGS) $(srcdir)/test/functional

.PHONY: soak soak-long chaos jitter
