#!/bin/sh
# Checks the .proto files: style, format, and, against the commit given, that nothing breaks their users.
# usage: tools/lint.sh [BASE]
set -eu
cd "$(dirname -- "$0")/.."

tools/buf.sh lint
tools/buf.sh format --diff --exit-code proto
if [ $# -gt 0 ]; then
	tools/buf.sh breaking --against ".git#ref=$1"
fi
