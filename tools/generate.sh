#!/bin/sh
# Generates the Go code and the OpenAPI document beside the .proto files, and the page and the picture of the lifecycle
# in docs. With --check nothing is written: it fails when what is there differs from what would be generated.
set -eu
cd "$(dirname -- "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
tools/buf.sh generate --output "$fresh"
# The plugin's name for the file, and for the singular of "activities".
(cd "$fresh/proto/autoscaling/v1" &&
	sed -e 's/{activitie}/{activity}/' -e 's/"name": "activitie"/"name": "activity"/' openapi.swagger.json >openapi.json &&
	rm openapi.swagger.json)
mkdir "$fresh/docs"
go run ./internal/autoscaling/lifecycledoc "$fresh/docs"

generated() {
	(cd "$1" && find proto docs -name '*.pb.go' -o -name '*.pb.gw.go' -o -name openapi.json -o -name 'lifecycle.*') | LC_ALL=C sort
}

if [ "${1-}" = --check ]; then
	status=0
	for file in $( (generated . && generated "$fresh") | LC_ALL=C sort -u); do
		if ! cmp -s "$file" "$fresh/$file"; then
			echo "$file is not what is generated: run tools/generate.sh" >&2
			status=1
		fi
	done
	exit $status
fi

generated . | while read -r file; do
	[ -e "$fresh/$file" ] || rm -- "$file" # what it comes from is gone
done
cp -R "$fresh/proto" "$fresh/docs" .
