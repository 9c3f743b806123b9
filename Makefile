# Two Swift packages, one configuration. Each target is a script of scripts/; builds go to $FETTLE_BUILD.
.PHONY: help up test bench screenshots fleet deb soak lint format build deps clean
.DEFAULT_GOAL := help
FETTLE_BUILD ?= $(HOME)/.cache/fettle/build
export FETTLE_BUILD

help: ## show this
	@sed -nE 's/^([a-z]+): ## (.*)/  make \1\t\2/p' Makefile | expand -t 16

up: ## build, start a server on loopback, enrol this machine, show what is missing here; Ctrl-C ends it
	@exec scripts/up

test: ## do all set-up, run every test; ends with "N passed, N failed, N skipped"
	@exec scripts/test

bench: ## print the budgets with their figures, and the peers' beside them
	@exec scripts/bench

screenshots: ## draw every page at 360, 1280 and 2560 px, light and dark, into var/screenshots
	@exec scripts/screenshots

fleet: ## patch three throw-away hosts in one campaign, watched live, and clean up
	@exec scripts/fleet

deb: ## build Debian packages of the server and of the agent into dist
	@exec scripts/deb

soak: ## the long tests once (a true reboot, every crash point, more lots), then with other lots until SOAK_MINUTES (60) are over
	@exec scripts/soak

lint: ## check format and what has no place in a tracked file
	@exec scripts/format --check

format: ## format the Swift sources
	@exec scripts/format

build: ## build everything, tests and benchmarks too
	@exec scripts/build

deps: ## install from apt what is missing to build and test
	@exec scripts/deps test

clean: ## delete this clone's data (var) and all builds ($FETTLE_BUILD)
	rm -rf var "$(FETTLE_BUILD)"
