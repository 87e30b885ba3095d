# The commands for people. CMake does the building: CMakePresets.json, docs/testing.md.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
BUILD := build/release

.PHONY: all setup setup-all build demo test cross bench wheel jar lint format install clean help
all: build

help:
	@echo 'make setup    install the system packages for make, make demo and make install (Debian, Ubuntu);'
	@echo '              the other commands install what they need besides (scripts/setup.sh --test)'
	@echo 'make          build the library, eim and eim-sandbox into $(BUILD)'
	@echo 'make demo     a conversation over TLS, start to end'
	@echo 'make test     everything that can be checked'
	@echo 'make cross    build for other CPUs and another libc, and run unit tests and logins there, by qemu'
	@echo 'make bench    measure, side by side with easemob-websdk'
	@echo 'make wheel    a Python wheel into dist/ that needs no library of its machine'
	@echo 'make jar      libeim.jar for Java with sources and documentation into dist/, which needs no library either'
	@echo 'make lint     clang-format and clang-tidy'
	@echo 'make format   format the sources'
	@echo 'make install  into PREFIX=$(PREFIX) (and DESTDIR)'

setup:
	@scripts/setup.sh

setup-all:
	@scripts/setup.sh --test

build: setup
	@mkdir -p build
	@cmake --preset release -DEIM_BUILD_TESTS=OFF >build/release-configure.log 2>&1 || { cat build/release-configure.log; exit 1; }
	@cmake --build --preset release -j $(JOBS)

demo: build
	@scripts/demo.sh $(BUILD)

test:
	@scripts/test.sh

cross:
	@scripts/test-cross.sh

bench: setup-all build
	@cmake --preset release -DEIM_BUILD_TESTS=ON >build/release-configure.log
	@cmake --build --preset release -j $(JOBS) --target eim-bench eim-bench-log
	@scripts/bench.sh $(BUILD)

wheel: setup-all
	@scripts/wheel.sh dist

jar: setup-all
	@scripts/jar.sh dist

lint: setup-all
	@scripts/lint.sh

format: setup-all
	@scripts/lint.sh --format

# sudo make install: root installs what its owner built, and leaves nothing in his folder that he cannot write.
install:
	@if [ ! -e $(BUILD)/build.ninja ] || [ -O $(BUILD)/build.ninja ]; then $(MAKE) --no-print-directory build; fi
	cmake --install $(BUILD) --prefix $(PREFIX)
	@[ "$$(id -u)" -ne 0 ] || chown --reference=$(BUILD)/build.ninja $(BUILD)/install_manifest.txt

clean:
	rm -rf build
