# The front door. Everything here is a few lines of cmake, ctest and tools/; presets are in CMakePresets.json.
PREFIX ?= /usr/local
DESTDIR ?=
MINUTES ?= 10
CORES := $(shell nproc 2>/dev/null || echo 2)
DEMO := runs/phi4-8x8

.PHONY: help demo program reproduce figures check check-long bench fuzz format install clean
.NOTPARALLEL:

help:
	@echo 'make demo       build, then train, sample and report the phi^4 flow of jobs/phi4-8x8.yaml'
	@echo 'make reproduce  published and exact numbers, again (more than two hours on two cores)'
	@echo 'make figures    thermodynamics, mode dropping and the Ising model in figures, with known numbers (hours; QUICK=1: ten minutes)'
	@echo 'make check      every test and guard (seven to twelve minutes on two cores)'
	@echo 'make check-long all of them at full length, every compiler over every file and every failure of memory and disk (hours)'
	@echo 'make bench      speed of the kernels, as a share of the peak of this machine'
	@echo 'make fuzz       fuzz the readers of job and store files for MINUTES=$(MINUTES)'
	@echo 'make format     clang-format on every C file'
	@echo 'make install    PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make clean      remove build/ (runs/ stays)'

demo: program
	@tools/demo build/release/causeway $(DEMO)

program:
	@tools/install-deps build
	@tools/build release causeway_program

reproduce: program
	@tools/reproduce build/release/causeway runs

figures: program
	@tools/figures build/release/causeway runs $(if $(QUICK),--quick)

check:
	@tools/install-deps build check
	@tools/check

check-long:
	@tools/install-deps build check
	@tools/check_long

bench:
	@tools/install-deps build
	@tools/build release
	@tools/bench build/release

fuzz:
	@tools/install-deps build check
	@tools/fuzz $(MINUTES)

format:
	@tools/install-deps check
	@tools/check_format --fix

install:
	@tools/install-deps build
	@mkdir -p build && cmake --preset release -DCMAKE_INSTALL_PREFIX='$(PREFIX)' >build/install.log 2>&1 || { cat build/install.log; exit 1; }
	@cmake --build build/release --target causeway causeway_program -j $(CORES)
	DESTDIR='$(DESTDIR)' cmake --install build/release

clean:
	rm -rf build
