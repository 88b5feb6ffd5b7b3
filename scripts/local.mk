# scripts/local.mk - what starts, tests and fetches; shipped, not installed
EXTRA_DIST += \
	scripts/lib.sh \
	start-all.sh \
	run-tests.sh \
	.ci/run \
	turnserver.conf.in \
	tests/shell_test.sh \
	tests/patches_test.sh \
	tests/apt_repo_test.sh \
	tests/start_all_test.sh
