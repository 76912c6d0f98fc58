# The commands of this project. `make run` and `make test` install what is missing first.
# `make fuzz SECONDS=60 SEED=2` mutates inputs of every parser.
.PHONY: build run demo demo-kubernetes image test test-ui test-vm test-kube screenshots bench fuzz clean setup setup-test setup-image setup-kube setup-demo setup-ui

CONFIGURATION := Release
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

build: setup bin/kubebpfbox

SOURCES := $(shell find src plugins protocols sinks bpf -type f \( -name '*.cs' -o -name '*.csproj' -o -name '*.c' -o -name '*.h' -o -name '*.props' -o -name '*.targets' -o -name '*.yaml' \)) \
	$(shell find web -type f -not -path '*/node_modules/*' -not -name schema.d.ts) src/Agent/Api/openapi.json Directory.Build.props Directory.Packages.props global.json

# One native file: the agent compiled ahead of time with libbpf, libelf and SQLite linked in.
bin/kubebpfbox: $(SOURCES)
	dotnet publish src/Agent/Agent.csproj -c $(CONFIGURATION) -o artifacts/publish -v quiet
	mkdir -p bin
	cp artifacts/publish/kubebpfbox bin/kubebpfbox.new && mv bin/kubebpfbox.new bin/kubebpfbox

run: build
	@echo "kubebpfbox shows every HTTP request of this machine: open http://127.0.0.1:9500/ in a browser, or run bin/kubebpfbox top in another shell" >&2
	bin/kubebpfbox run --set sinks.sqlite.path=data/kubebpfbox.db $(ARGS)

# A small shop with traffic, and the agent beside it: demo/README.md. PORT=9600, SECONDS=60.
demo demo-kubernetes: setup-demo $(if $(KUBEBPFBOX),,build)
	dotnet build demo/Demo.csproj -c Release -v quiet
	artifacts/bin/Demo/release_linux-x64/KubeBpfBox.Demo run --agent $(or $(KUBEBPFBOX),bin/kubebpfbox) --port $(or $(PORT),9500) --seconds $(or $(SECONDS),0) $(if $(filter demo-kubernetes,$@),--kubernetes)

# A container image without a registry: artifacts/image/kubebpfbox.tar. deploy/README.md says how to bring it to a cluster.
image: setup-image build
	scripts/image.sh

test: setup-test
	tests/run

# The page in a real browser, with a real agent.
test-ui: setup-test setup-ui
	tests/Ui/run

# docs/images, from the demonstration: MINUTES=5 for charts with a history.
screenshots: setup-test setup-ui $(if $(KUBEBPFBOX),,build)
	MINUTES=$(or $(MINUTES),5) tests/Ui/screenshots

test-vm: setup-test build
	tests/Vm/run

# On a real Kubernetes, which is built first (12 minutes, once).
test-kube: setup-kube image
	tests/Kube/run

bench: setup-test setup-ui build
	npm run --silent build --prefix tests/Ui
	dotnet run --project tests/Bench/Bench.csproj -c Release -- $(or $(BENCH),all)

fuzz: setup
	dotnet run --project tests/Fuzz/Fuzz.csproj -- --seconds $(or $(SECONDS),20) --seed $(or $(SEED),1)

setup:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh test
	@tests/Deploy/tools >/dev/null

setup-demo:
	@scripts/setup.sh demo

setup-ui:
	@scripts/setup.sh demo ui

setup-image:
	@scripts/setup.sh image

setup-kube:
	@scripts/setup.sh test kube

clean:
	rm -rf artifacts bin data
