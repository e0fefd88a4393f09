# Each target is a line over Go's tools. The README's test command is `make test`.

GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
# LMDB's C code falls through on purpose, and gcc says so at length.
export CGO_CFLAGS ?= -O2 -g -Wno-implicit-fallthrough

# Tools are fetched as modules, three times tried. What cannot be had because there is no network is skipped, and said; all else fails.
TOOLS = $(CURDIR)/dist/tools
offline = *"dial tcp"*|*"no such host"*|*imeout*|*"connection re"*|*"unexpected EOF"*|*GOPROXY=off*|*" 50"[0-9]" "*
tried = { had=; for pause in 0 5 20; do sleep $$pause; said=$$($(1) 2>&1) && { had=1; break; }; \
	case "$$said" in $(offline)) ;; *) echo "$$said" >&2; exit 1;; esac; done; test $$had || { echo "skipped: what $@ needs cannot be had here"; false; }; }
fetched = $(call tried,GOBIN=$(TOOLS) $(GO) install $(1))

.PHONY: dist release api apidiff faults faults-short vulnerable poison asan checkptr test demo race lint fuzz asm asm-check neon purego powerdns peers churn filters figures bench build install clean

# Package internal/modules runs the tests of the nested modules, which under the race detector on a busy machine take long.
LONG = -timeout 30m

test: ## everything that must pass, in a few minutes; TEST_SEED=new tries random tests with another seed
	$(GO) test $(LONG) ./...

demo: ## a real index out of the doc comments of the Go installation
	$(GO) run ./cmd/hannoyctl demo

build:
	$(GO) build -o hannoyctl ./cmd/hannoyctl

install: ## hannoyctl, and hannoy-convert, which it runs for parquet and HDF5
	$(GO) install ./cmd/hannoyctl
	$(GO) -C cmd/hannoy-convert install .

race: ## the suite under the race detector
	$(GO) test $(LONG) -race ./...

powerdns: ## what uses LMDB, on its other binding
	$(GO) build -tags lmdb_powerdns ./...
	$(GO) test $(LONG) -tags lmdb_powerdns . ./cmd/... ./internal/faults ./internal/modules ./kv

poison: ## the suite with borrowed bytes spoiled as soon as they are given back
	$(GO) test $(LONG) -tags hannoy_poison ./...

asan: ## the suite with C and Go memory watched (gcc's libasan)
	$(GO) test $(LONG) -asan ./...

checkptr: ## the suite with every unsafe conversion checked
	$(GO) test $(LONG) -gcflags=all=-d=checkptr=2 ./...

purego: ## what computes distances, without assembly
	$(GO) test $(LONG) -tags purego . ./distance ./graph ./graph/linking ./reader ./writer

asm: ## the assembly from its generators
	$(GO) generate ./distance

asm-check: ## the committed assembly is what the generators write
	@if $(call tried,$(GO) -C distance/_asm list -deps .); then $(MAKE) -s asm && git diff --exit-code -- distance; fi

neon: ## the arm64 kernels under emulation (Debian: apt-get install qemu-user)
	GOARCH=arm64 CGO_ENABLED=0 $(GO) test -c -o $(NEON) ./distance
	cd distance && HANNOY_REQUIRE=neon qemu-aarch64 $(NEON)
NEON ?= /tmp/hannoy-distance.arm64

peers: ## recall and speed beside other libraries: make peers DATA=folder
	$(MAKE) -C benchmarks peers DATA=$(abspath $(DATA))

churn: ## recall and cost while rows come and go: make churn DATA=folder
	$(MAKE) -C benchmarks churn DATA=$(abspath $(DATA))

filters: ## recall and cost of filtered searches: make filters DATA=folder
	$(MAKE) -C benchmarks filters DATA=$(abspath $(DATA))

figures: ## what somebody meets who tries it, files imported beside cp: make figures FILES='a.fbin b.parquet'
	$(MAKE) -C benchmarks figures FILES="$(abspath $(FILES))"

bench: ## the kernels
	$(GO) test -run '^$$' -bench . -benchtime 200000x ./distance ./graph

lint:
	test -z "$$(gofmt -l . | tee /dev/stderr)"
	$(GO) vet ./...
	GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./distance ./graph ./codec
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./distance ./graph ./codec ./filter ./internal/vecfile/...
	@if $(call fetched,$(STATICCHECK)); then for module in . cmd/hannoy-convert internal/metamorphic internal/scripts langchain; do \
		echo staticcheck $$module; (cd $$module && $(TOOLS)/staticcheck ./...) || exit 1; done; fi

# Go's fuzzing fails, too, where the machine stands still for ten seconds, and at times at the end of its time. What it has
# found is kept in testdata, so the target is asked itself then.
fuzz: ## every fuzz target for FUZZTIME each: a time, or 10000x
	for package in $$(grep -l '^func Fuzz' $$($(GO) list -f '{{$$dir := .Dir}}{{range .TestGoFiles}}{{$$dir}}/{{.}} {{end}}{{range .XTestGoFiles}}{{$$dir}}/{{.}} {{end}}' ./...) | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$package/*_test.go | cut -d' ' -f2); do \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$package || \
				$(GO) test -count 1 -v -run "^$$target$$" $$package || exit 1; \
		done; \
	done
FUZZTIME ?= 30s

faults: ## the campaigns of docs/reliability.md, N trials of each but the slow ones
	for campaign in bitflips pages kill power malloc; do $(GO) run ./internal/faults $$campaign -n $(N) || exit 1; done
	$(GO) run ./internal/faults calls -n 0
	for campaign in bitflips pages; do $(GO) run ./internal/faults $$campaign -n $(N) -mode plain || exit 1; done
	$(GO) run ./internal/faults repair -n 30
	$(GO) run ./internal/faults repair -n 30 -mode stale
	$(GO) run ./internal/faults full -n 128
	$(GO) run ./internal/faults memory -n 10
	$(GO) run ./internal/faults readers -n 64 -for 10m
	$(GO) run ./internal/faults soak -for 1h -pause 50ms
	$(GO) -C internal/metamorphic test . -v -timeout 0 -rapid.checks $(N) -rapid.seed 0
N ?= 2000

# The seeds are always the same: it is for the long campaigns to find what nobody has found before.
FAULTS = $(CURDIR)/dist/faults
faults-short: ## the campaigns in three minutes
	$(GO) build -o $(FAULTS) ./internal/faults
	$(FAULTS) soak -seed 1 -for 2m -pause 20ms > $(FAULTS).soak 2>&1 & soak=$$!; \
	for short in 'kill -n 300' 'power -n 2000' 'calls -n 200' 'malloc -n 200' 'bitflips -n 2000' 'pages -n 500' 'full -n 8' 'repair -n 2' \
		'readers -n 64 -for 20s' 'memory -n 1 -limit 32'; do $(FAULTS) $$short -seed 1 || { kill $$soak; exit 1; }; done; \
	$(GO) -C internal/metamorphic test . -count 1 -rapid.checks 200 -rapid.seed 2 || { kill $$soak; exit 1; }; \
	$(MAKE) -s fuzz FUZZTIME=10000x || { kill $$soak; exit 1; }; \
	wait $$soak; status=$$?; cat $(FAULTS).soak; exit $$status

vulnerable: ## govulncheck, where its data can be had
	@said=$$($(GO) run $(GOVULNCHECK) ./... 2>&1); echo "$$said"; case "$$said" in \
	*"Vulnerability #"*) exit 1;; *"No vulnerabilities found"*) ;; *) echo "skipped: the data of govulncheck cannot be had here";; esac
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.1.4

VERSION ?= $(shell git describe --tags --always --dirty)
GOOS ?= $(shell $(GO) env GOOS)
GOARCH ?= $(shell $(GO) env GOARCH)
RELEASE = hannoy-$(VERSION)-$(GOOS)-$(GOARCH)
STATIC = -trimpath -tags netgo,osusergo -ldflags '-s -w -linkmode external -extldflags -static'

dist: ## an archive of both programs, linked statically, with manual pages, completion, a bill of materials each, and its checksum
	rm -rf dist/$(RELEASE) && mkdir -p dist/$(RELEASE)/man dist/$(RELEASE)/docs dist/$(RELEASE)/completion
	$(GO) build $(STATIC) -o dist/$(RELEASE)/hannoyctl ./cmd/hannoyctl
	CGO_ENABLED=0 $(GO) -C cmd/hannoy-convert build -trimpath -ldflags '-s -w' -o $(CURDIR)/dist/$(RELEASE)/hannoy-convert .
	dist/$(RELEASE)/hannoyctl man dist/$(RELEASE)/man
	for shell in bash zsh fish; do dist/$(RELEASE)/hannoyctl completion $$shell > dist/$(RELEASE)/completion/hannoyctl.$$shell || exit 1; done
	for program in hannoyctl hannoy-convert; do $(GO) -C internal/scripts run ./sbom $(CURDIR)/dist/$(RELEASE)/$$program > dist/$(RELEASE)/$$program.cdx.json || exit 1; done
	cp README.md ARCHITECTURE.md SECURITY.md CHANGELOG.md FORMAT.md LICENSE dist/$(RELEASE) && cp docs/* dist/$(RELEASE)/docs
	tar -C dist --sort=name --owner=0 --group=0 --numeric-owner -czf dist/$(RELEASE).tar.gz $(RELEASE)
	cd dist && sha256sum $(RELEASE).tar.gz > $(RELEASE).tar.gz.sha256

release: ## tags of all modules that others import: make release VERSION=v0.2.0
	test -z "$$(git status --porcelain)"
	grep -q '^## $(VERSION:v%=%)' CHANGELOG.md
	! grep -q '^replace' cmd/hannoy-convert/go.mod
	$(GO) -C langchain mod edit -require=github.com/hannoydb/hannoy@$(VERSION)
	git diff --quiet || git commit -qam "langchain: hannoy $(VERSION)"
	for tag in $(VERSION) cmd/hannoy-convert/$(VERSION) langchain/$(VERSION); do git tag $$tag || exit 1; done

apidiff: ## what changed in the exported library since REF: make apidiff REF=v0.1.0
	rm -rf dist/apidiff && git worktree add -q --detach dist/apidiff $(REF)
	cd dist/apidiff && $(GO) run $(APIDIFF) -w ../old.export . ; status=$$?; cd ../.. && git worktree remove --force dist/apidiff && exit $$status
	$(GO) run $(APIDIFF) $(APIFLAGS) dist/old.export .
api: ## no incompatible change since the last release, if there was one: before 1.0 they are listed only
	release=$$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || exit 0; mkdir -p dist; \
	$(MAKE) -s apidiff REF=$$release APIFLAGS=-incompatible | tee dist/incompatible; \
	case $$release in v0.*) ;; *) ! grep -q '^- ' dist/incompatible ;; esac
REF ?= main
APIDIFF = golang.org/x/exp/cmd/apidiff@v0.0.0-20261014143641-f0251eb4aa3e

clean:
	rm -rf hannoyctl dist
