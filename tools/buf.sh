#!/bin/sh
# Runs buf, in the version below: from tools/node_modules, which npm fills, or, where there is no npm, built from
# its Go module into tools/bin (several minutes, once).
set -eu
version=1.75.0 # the same as in tools/package.json
tools=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

for buf in "$tools/node_modules/.bin/buf" "$tools/bin/buf"; do
	if [ "$("$buf" --version 2>/dev/null)" = "$version" ]; then
		exec "$buf" "$@"
	fi
done
if command -v npm >/dev/null; then
	npm ci --prefix "$tools" --ignore-scripts --no-audit --no-fund >&2
	exec "$tools/node_modules/.bin/buf" "$@"
fi
GOBIN="$tools/bin" GOFLAGS='' go install "github.com/bufbuild/buf/cmd/buf@v$version" >&2
exec "$tools/bin/buf" "$@"
