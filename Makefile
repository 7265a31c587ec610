# proc_pool. `make help` lists the targets; `make FLAVOUR=asan test` builds and tests another flavour.
#
# Every flavour lives in build/FLAVOUR. CC, AR, CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, PREFIX and DESTDIR are the user's:
# flags are appended to ours. V=1 shows the commands. `make` and `make run` need cc, make and libc only; Check and
# pkg-config are asked for when a test is built.

FLAVOUR ?= release
BUILD   ?= build/$(FLAVOUR)
PREFIX  ?= /usr/local
VERSION := 0.1.0

# Small functions of many files run for each task: inlined across files they cost a third less. The archives hold plain
# code too, for those who link without it.
accepted = $(shell echo 'int main(void) { return 0; }' | $(CC) -Werror $(1) -x c - -o /dev/null 2>/dev/null && echo '$(1)')
ACROSS_FILES_release = $(eval ACROSS_FILES_release := $(call accepted,-flto=auto -ffat-lto-objects))$(ACROSS_FILES_release)

FLAGS_release = -O2 -g -DNDEBUG $(ACROSS_FILES_release)
FLAGS_debug   := -O0 -g3
FLAGS_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address
FLAGS_ubsan   := -O1 -g -fno-omit-frame-pointer -fsanitize=undefined -fno-sanitize-recover=all
ifeq ($(FLAGS_$(FLAVOUR)),)
$(error FLAVOUR is release, debug, asan or ubsan, not "$(FLAVOUR)")
endif

STD      := -std=c11 -D_POSIX_C_SOURCE=200809L -DPP_VERSION='"$(VERSION)"'
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion
COMPILE   = $(CC) $(STD) $(WARNINGS) $(FLAGS_$(FLAVOUR)) -MMD -MP $(CPPFLAGS) $(CFLAGS)
LINK      = $(CC) $(FLAGS_$(FLAVOUR)) $(CFLAGS) $(LDFLAGS)

# The floors of the house: what each may include. A floor that is not named here cannot be seen.
SEES_primality := -Iinclude
SEES_pool      :=
SEES_executor  := -Iinclude -Isrc/pool
SEES_cli       := -Iinclude
SEES_demos     := -Iinclude
SEES_tests     := -Iinclude -Isrc -Isrc/pool -Itests
SEES_bench     := -Iinclude -Isrc -Isrc/pool -Ibench -Itests

# The rivals that bench/primality measures beside us, where they are installed. Nothing else is linked with them.
linkable = $(shell echo 'int main(void) { return 0; }' | $(CC) -x c - -l$(1) -o /dev/null 2>/dev/null && echo -l$(1))
BENCH_LIBS_primality = $(call linkable,flint) $(call linkable,pari)
BENCH_FLAGS_primality = $(patsubst -l%,-DHAVE_%,$(BENCH_LIBS_primality))

objects = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/$(1)/*.c))
PRIMALITY := $(BUILD)/libpp_primality.a
EXECUTOR  := $(BUILD)/libpp_executor.a
CLI       := $(BUILD)/obj/libcli.a
LIBRARIES := $(PRIMALITY) $(EXECUTOR)
DEMOS     := $(patsubst src/demos/%.c,$(BUILD)/%,$(wildcard src/demos/*.c))
PROGRAMS  := $(BUILD)/proc_pool $(DEMOS)
TESTS     := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/*/test_*.c))
SUPPORT   := $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(wildcard tests/support/*.c))
BENCHES   := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))
MANUALS   := $(wildcard src/cli/*.1)
SCRIPTS   := $(wildcard .ci/run tests/*.sh tests/*/*.sh bench/*.sh bench/*/*.sh)
SOURCES   := $(wildcard src/*/*.[ch] include/*/*.h tests/*/*.[ch] bench/*.[ch] bench/*/*.[ch])

silent = $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
Q := $(if $(V),,@)
say = @$(if $(V)$(silent),:,printf '  %-5s %s\n' '$(1)' '$(2)')

.PHONY: all run deps test exhaustive model fuzz valgrind lint format bench install uninstall clean help
.DELETE_ON_ERROR:
.SUFFIXES:
ifneq ($(filter clean,$(MAKECMDGOALS)),) # `make -j clean all` means one after the other
.NOTPARALLEL:
endif

all: $(LIBRARIES) $(PROGRAMS) ## libraries and programs (the default)

run: $(BUILD)/proc_pool ## build and run the multicore prime demo
	$(Q)$(BUILD)/proc_pool

deps: ## install what the tests need: Check and pkg-config
	$(Q)sh tests/deps.sh

test: all $(TESTS) ## build and run all tests
	$(Q)BUILD=$(BUILD) CC='$(LINK)' sh tests/run.sh $(TESTS)

exhaustive: all $(TESTS) ## the long tests: hours of cases, minutes of time
	$(Q)BUILD=$(BUILD) CC='$(LINK)' PP_EXHAUSTIVE=1 sh tests/run.sh $(TESTS)
	$(Q)BUILD=$(BUILD) PP_EXHAUSTIVE=1 sh tests/fuzz.sh

model: ## explore the model of the claim word, if spin is installed
	$(Q)sh tests/model.sh

fuzz: ## feed the parsers whatever clang's fuzzer thinks of, if it is installed
	$(Q)BUILD=$(BUILD) sh tests/fuzz.sh

# The suites about processes; in the debug flavour, whose stack traces tell more.
TRACED := $(addprefix pool/test_,worker pool spawn liveness pipe_io) \
  $(addprefix executor/test_,executor map wait future limits)
valgrind: ## run the suites about processes under valgrind, if it is installed
ifeq ($(FLAVOUR),debug)
valgrind: $(TRACED:%=$(BUILD)/tests/%)
	$(Q)sh tests/valgrind.sh $^
else
	$(Q)$(MAKE) --no-print-directory FLAVOUR=debug valgrind
endif

lint: all ## format, static analysis, shell scripts, floors
	$(Q)BUILD=$(BUILD) SOURCES='$(SOURCES)' SCRIPTS='$(SCRIPTS)' sh tests/lint.sh

format: ## reformat the sources in place
	$(Q)clang-format -i $(SOURCES)

bench: all $(BENCHES) ## measure next to rivals and limits, as ratios
	$(Q)BUILD=$(BUILD) sh bench/run.sh

install: all ## into $(DESTDIR)$(PREFIX)
	$(Q)to='$(DESTDIR)$(PREFIX)' && \
	install -d "$$to/bin" "$$to/include/proc_pool" "$$to/lib/pkgconfig" "$$to/share/man/man1" && \
	install -m 755 $(BUILD)/proc_pool "$$to/bin/" && \
	install -m 644 include/proc_pool/*.h "$$to/include/proc_pool/" && \
	install -m 644 $(LIBRARIES) "$$to/lib/" && \
	{ [ -z '$(MANUALS)' ] || install -m 644 $(MANUALS) "$$to/share/man/man1/"; } && \
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: proc_pool' 'Description: process-pool executor and exact prime test' \
	  'Version: $(VERSION)' 'Cflags: -I$${prefix}/include' 'Libs: -L$${prefix}/lib -lpp_executor -lpp_primality' \
	  >"$$to/lib/pkgconfig/proc_pool.pc"

uninstall: ## remove what install put there
	$(Q)cd '$(DESTDIR)$(PREFIX)' 2>/dev/null || exit 0; rm -f bin/proc_pool $(LIBRARIES:$(BUILD)/%=lib/%) lib/pkgconfig/proc_pool.pc \
	  $(MANUALS:src/cli/%=share/man/man1/%) include/proc_pool/*.h; [ ! -d include/proc_pool ] || rmdir include/proc_pool

clean: ## remove everything that was built
	$(Q)rm -rf build

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo '  FLAVOUR=release|debug|asan|ubsan   V=1   CC AR CFLAGS CPPFLAGS LDFLAGS LDLIBS PREFIX DESTDIR'

# A stamp is a file that is written again only when what it remembers has changed: the flags, for objects, and the
# list of sources, for archives, which must drop the member whose source is gone.
FLAGS_STAMP   := $(BUILD)/stamps/flags
SOURCES_STAMP := $(BUILD)/stamps/sources
REMEMBER_flags   = $(COMPILE) $(LINK) $(LDLIBS) $(AR) $(foreach floor,primality pool executor cli demos,$(SEES_$(floor)))
REMEMBER_sources = $(sort $(wildcard src/*/*.c))
quoted = '$(subst ','\'',$(REMEMBER_$(1)))'
forget = $(shell printf '%s\n' $(call quoted,$(1)) | cmp -s - $(BUILD)/stamps/$(1) || rm -f $(BUILD)/stamps/$(1))
$(call forget,flags)$(call forget,sources)

$(FLAGS_STAMP) $(SOURCES_STAMP): $(BUILD)/stamps/%:
	@mkdir -p $(@D) && printf '%s\n' $(call quoted,$*) >$@

$(BUILD)/obj/%.o: src/%.c $(FLAGS_STAMP)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(SEES_$(firstword $(subst /, ,$*))) -c -o $@ $<

$(PRIMALITY): $(call objects,primality)
$(EXECUTOR): $(call objects,pool) $(call objects,executor)
$(CLI): $(filter-out %/proc_pool.o,$(call objects,cli))
$(LIBRARIES) $(CLI): $(SOURCES_STAMP)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/proc_pool: $(BUILD)/obj/cli/proc_pool.o $(CLI) $(EXECUTOR) $(PRIMALITY)
$(DEMOS): $(BUILD)/%: $(BUILD)/obj/demos/%.o $(EXECUTOR) $(PRIMALITY)
$(PROGRAMS):
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/%.o: tests/%.c $(FLAGS_STAMP) | $(filter deps,$(MAKECMDGOALS))
	@pkg-config --exists check || { echo 'The tests need Check and pkg-config: make deps' >&2; exit 1; }
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(SEES_tests) $$(pkg-config --cflags check) -c -o $@ $<

# The calls that this suite lets fail.
WRAPPED := fork pipe2 fcntl poll read write writev close mmap munmap kill waitpid waitid timerfd_create timerfd_settime malloc calloc realloc aligned_alloc
LINK_FLAGS_test_failing_calls := $(WRAPPED:%=-Wl,--wrap=%)

$(TESTS): %: %.o $(SUPPORT) $(CLI) $(EXECUTOR) $(PRIMALITY)
	$(call say,LINK,$@)
	$(Q)$(LINK) -fno-lto -o $@ $^ $(LINK_FLAGS_$(@F)) $$(pkg-config --libs check) $(LDLIBS)

define compile_bench
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(SEES_bench) $(BENCH_FLAGS_$*) -c -o $@ $<
endef
$(BUILD)/bench/%.o: bench/%.c $(FLAGS_STAMP)
	$(compile_bench)
$(BUILD)/bench/%.o: tests/support/%.c $(FLAGS_STAMP) # without Check
	$(compile_bench)

BENCH_LIBS_executor := -lm
$(BUILD)/bench/executor: $(patsubst bench/%.c,$(BUILD)/bench/%.o,$(wildcard bench/rows/*.c))
BENCH_LIBS_simulate := -lm
$(BUILD)/bench/simulate: $(patsubst tests/support/%.c,$(BUILD)/bench/%.o,$(wildcard tests/support/simulator*.c))
$(BENCHES): %: %.o $(CLI) $(EXECUTOR) $(PRIMALITY)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(BENCH_LIBS_$(@F)) $(LDLIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
