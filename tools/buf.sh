#!/bin/sh
# Runs buf, in the version below: its binary comes through npm into tools/node_modules, or, where there is no npm
# or no binary for the machine, from its Go module into tools/bin (several minutes, once).
set -eu
version=1.75.0 # the same as in tools/package.json
tools=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

run_if_there() {
	for buf in "$tools"/node_modules/@bufbuild/buf-*/bin/buf "$tools/bin/buf"; do
		if [ "$("$buf" --version 2>/dev/null)" = "$version" ]; then
			exec "$buf" "$@"
		fi
	done
}

run_if_there "$@"
if command -v npm >/dev/null; then
	npm ci --prefix "$tools" --ignore-scripts --no-audit --no-fund >&2 || true
	run_if_there "$@"
fi
GOBIN="$tools/bin" GOFLAGS='' go install "github.com/bufbuild/buf/cmd/buf@v$version" >&2
exec "$tools/bin/buf" "$@"
