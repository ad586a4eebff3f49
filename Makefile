# The only front door. `make help` lists what there is; each target first sets up what it needs (tools/setup).
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := release
.PHONY: release setup demo test check-quick format check bench fuzz coverage crash long install clean help

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
ROUNDS ?= 200
FUZZ_SECONDS ?= 60
MESON_TEST = meson test --no-rebuild --num-processes $(JOBS) --logbase testlog
SANITIZE = -Db_sanitize=address,undefined -Dwerror=true -Dfailpoints=true

# configured DIR OPTIONS: configure the build folder if it is not yet
configured = [ -e $(1)/build.ninja ] || meson setup $(1) $(2) > $(1).log 2>&1 || { tail -20 $(1).log >&2; exit 1; }; \
	rm -f $(1).log
# built DIR: compile; only what goes wrong is printed
built = echo "building $(1)" >&2; ninja -C $(1) -j $(JOBS) > $(1)/build.log 2>&1 || { grep -v '^\[.*Compiling' $(1)/build.log | tail -60 >&2; exit 1; }

release: ## build/weir, the program (the default)
	@tools/setup build
	@$(call configured,build,-Dtests=false --prefix $(PREFIX))
	@$(call built,build)

setup: ## install and fetch what building and testing need
	@tools/setup build test service

demo: release ## a month of a small organisation, from webhook to SQL answer
	@tools/demo

test: ## the tests, under ASan and UBSan
	@tools/setup build test
	@$(call configured,build-test,$(SANITIZE))
	@$(call built,build-test)
	@echo "running the tests" >&2
	@tools/test-run build-test quick

long: release ## the longer suites: crash, interop, every example webhook
	@tools/setup build test service interop
	@$(call configured,build-test,$(SANITIZE))
	@$(call built,build-test)
	@tools/test-run build-test long

check-quick: ## a fast build without sanitizers, its tests, format and tidy
	@tools/setup build test
	@$(call configured,build-quick,-Doptimization=1 -Ddebug=true -Dwerror=true -Dfailpoints=true)
	@($(call built,build-quick)) 2> build-quick/err.log || { cat build-quick/err.log >&2; exit 1; }
	@tools/check --brief format tidy-part
	@tools/test-run build-quick quick

format: ## put every C file into the form of .clang-format
	@tools/setup test
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r clang-format-19 -i

check: ## the static checks: warnings, format, clang-tidy, cppcheck, tools/tidy
	@tools/setup build test
	@tools/check

bench: release ## the measurements; writes build/bench.json
	@tools/setup test service
	@bench/run

fuzz: ## each fuzz target (or TARGETS="bus config") for FUZZ_SECONDS, from SEED
	@tools/setup build test
	@FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$(SEED) tools/fuzz $(TARGETS)

coverage: ## which lines the tests reach; report in build-coverage/coverage.html
	@tools/setup build test
	@$(call configured,build-coverage,-Db_coverage=true -Dfailpoints=true -Doptimization=0)
	@$(call built,build-coverage)
	@tools/test-run build-coverage quick || echo "coverage: some tests failed; what follows counts them all the same" >&2
	@gcovr -r . build-coverage --filter src/ --html-details build-coverage/coverage.html --print-summary
	@echo "coverage: build-coverage/coverage.html shows each line" >&2

crash: ## ROUNDS rounds of kill -9 under load, power cuts, faults of the machine; SEED=N repeats a run
	@tools/setup build test
	@$(call configured,build-test,$(SANITIZE))
	@$(call built,build-test)
	@seed=$(or $(SEED),$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')); \
	echo "crash: $(ROUNDS) rounds of kill -9, power cuts and faults; SEED=$$seed draws the same" >&2; \
	TEST_TIMES=$$((1 + $(ROUNDS) / 400)) WEIR_CRASH_SEED=$$seed WEIR_CRASH_ROUNDS=$(ROUNDS) tools/test-run build-test long crash/

install: release ## into PREFIX (/usr/local), under DESTDIR
	@meson configure build --prefix $(PREFIX) && $(call built,build)
	@DESTDIR=$(DESTDIR) meson install -C build --quiet --no-rebuild

clean: ## remove every build folder; .deps stays
	@rm -rf build build-*

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile
