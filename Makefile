# proc_pool. `make help` lists the targets; `make FLAVOUR=asan test` builds and tests another flavour.
#
# Every flavour lives in build/FLAVOUR. CC, CFLAGS, CPPFLAGS, LDFLAGS, PREFIX and DESTDIR are the user's: CFLAGS
# are appended to ours. V=1 shows the commands.

FLAVOUR ?= release
BUILD   ?= build/$(FLAVOUR)
PREFIX  ?= /usr/local
VERSION := 0.1.0

FLAGS_release := -O2 -g -DNDEBUG
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
SEES_bench     := -Iinclude -Isrc -Isrc/pool -Ibench

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
CHECK      = $(shell pkg-config --cflags --libs check)
SCRIPTS   := .ci/run $(wildcard tests/*.sh tests/*/*.sh bench/*.sh)
SOURCES    = $(wildcard src/*/*.[ch] include/*/*.h tests/*/*.[ch] bench/*.[ch])

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')

.PHONY: all run deps test exhaustive lint format bench install uninstall clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(LIBRARIES) $(PROGRAMS) ## libraries and programs (the default)

run: $(BUILD)/proc_pool ## build and run the multicore prime demo
	$(Q)$(BUILD)/proc_pool

deps: ## install what the tests need: Check and pkg-config
	$(Q)sh tests/deps.sh

test: all $(TESTS) $(SUPPORT) ## build and run all tests
	$(Q)BUILD=$(BUILD) sh tests/run.sh $(TESTS)

exhaustive: all $(TESTS) ## the long tests: hours of cases, minutes of time
	$(Q)BUILD=$(BUILD) PP_EXHAUSTIVE=1 sh tests/run.sh $(TESTS)

lint: ## format, static analysis, shell scripts, floors
	$(Q)BUILD=$(BUILD) sh tests/lint.sh

format: ## reformat the sources in place
	$(Q)clang-format -i $(SOURCES)

bench: all $(BENCHES) ## measure next to rivals and limits, as ratios
	$(Q)BUILD=$(BUILD) sh bench/run.sh

install: all ## into $(DESTDIR)$(PREFIX)
	$(Q)install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin include/proc_pool lib/pkgconfig share/man/man1)
	$(Q)install -m 755 $(BUILD)/proc_pool $(DESTDIR)$(PREFIX)/bin/
	$(Q)install -m 644 include/proc_pool/*.h $(DESTDIR)$(PREFIX)/include/proc_pool/
	$(Q)install -m 644 $(LIBRARIES) $(DESTDIR)$(PREFIX)/lib/
	$(Q)install -m 644 src/cli/proc_pool.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	$(Q)printf '%s\n' 'Name: proc_pool' 'Description: process-pool executor and exact primality test' \
	  'Version: $(VERSION)' 'Cflags: -I$(PREFIX)/include' 'Libs: -L$(PREFIX)/lib -lpp_executor -lpp_primality' \
	  >$(DESTDIR)$(PREFIX)/lib/pkgconfig/proc_pool.pc

uninstall: ## remove what install put there
	$(Q)rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/proc_pool lib/libpp_primality.a lib/libpp_executor.a \
	  lib/pkgconfig/proc_pool.pc share/man/man1/proc_pool.1)
	$(Q)rm -rf $(DESTDIR)$(PREFIX)/include/proc_pool

clean: ## remove everything that was built
	$(Q)rm -rf build

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo '  FLAVOUR=release|debug|asan|ubsan   V=1   CC CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR'

# What was built with other flags is built again.
STAMP := $(BUILD)/obj/flags
$(shell mkdir -p $(BUILD)/obj; echo '$(subst ','\'',$(COMPILE))' | cmp -s - $(STAMP) || \
        echo '$(subst ','\'',$(COMPILE))' >$(STAMP))

$(BUILD)/obj/%.o: src/%.c $(STAMP)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(SEES_$(firstword $(subst /, ,$*))) -c -o $@ $<

$(PRIMALITY): $(call objects,primality)
$(EXECUTOR): $(call objects,pool) $(call objects,executor)
$(CLI): $(filter-out %/proc_pool.o,$(call objects,cli))
%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/proc_pool: $(BUILD)/obj/cli/proc_pool.o $(CLI) $(EXECUTOR) $(PRIMALITY)
$(DEMOS): $(BUILD)/%: $(BUILD)/obj/demos/%.o $(EXECUTOR) $(PRIMALITY)
$(PROGRAMS):
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^

$(BUILD)/tests/%.o: tests/%.c $(STAMP)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(SEES_tests) $(shell pkg-config --cflags check) -c -o $@ $<

$(TESTS): %: %.o $(SUPPORT) $(CLI) $(EXECUTOR) $(PRIMALITY)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(shell pkg-config --libs check)

$(BUILD)/bench/%: bench/%.c $(CLI) $(EXECUTOR) $(PRIMALITY) $(STAMP)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(SEES_bench) $(BENCH_FLAGS_$*) -o $@ $(filter %.c %.a,$^) $(LDFLAGS) $(BENCH_LIBS_$*)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
