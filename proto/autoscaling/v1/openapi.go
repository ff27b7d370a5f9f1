package autoscalingv1

import _ "embed"

// OpenAPI describes the REST API: an OpenAPI 2.0 document in JSON, with the field names in lowerCamelCase.
//
//go:embed openapi.json
var OpenAPI []byte
