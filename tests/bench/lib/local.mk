# tests/bench/lib/local.mk - what the loaders share: a reactor, connections, what a server has used, a place to run

noinst_PROGRAMS += tests/bench/lib/on-core
tests_bench_lib_on_core_SOURCES = tests/bench/lib/on_core.c
