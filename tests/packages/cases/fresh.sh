# shellcheck shell=bash
# fresh.sh - both packages on a machine that never had either

both_install() {
	apt_knows ours && apt 'install coturn signald'
}
services() { runs coturn; }
test_that "apt installs both and asks nothing" both_install
test_that "it runs" services
