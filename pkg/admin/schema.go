package admin

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// The wire types know nothing of OpenAPI, so that a command need not load it.
// Those whose JSON is not what their Go types say are described here.

type changeTypesSchema struct{}

// Schema describes a set of change types.
func (changeTypesSchema) Schema(huma.Registry) *huma.Schema {
	names := make([]any, 0, 4)
	for _, name := range event.AllChanges.Names() {
		names = append(names, name)
	}
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString, Enum: names}}
}

type idSchema struct{}

// Schema describes an id.
func (idSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "as the DAM writes it",
		OneOf:       []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeString}},
	}
}

type spanSchema struct{}

// Schema describes a length of time.
func (spanSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"5s", "1h30m", "00:00:05"}}
}

// Types with methods or embedded fields that hide their members.
type (
	endpointSchema       api.Endpoint
	endpointUpdateSchema api.EndpointUpdate
	endpointCreateSchema struct {
		Name string `json:"name"`
		api.EndpointUpdate
	}
	groupCreateSchema struct {
		Name string   `json:"name"`
		URLs []string `json:"urls"`
		api.EndpointUpdate
	}
)

// newRegistry makes the registry of schemas.
func newRegistry() huma.Registry {
	namer := func(t reflect.Type, hint string) string {
		name := strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Schema")
		return strings.ToUpper(name[:min(1, len(name))]) + name[min(1, len(name)):]
	}
	registry := huma.NewMapRegistry("#/components/schemas/", namer)
	alias := func(t, described reflect.Type) { registry.RegisterTypeAlias(t, described) }
	alias(reflect.TypeFor[event.ChangeType](), reflect.TypeFor[changeTypesSchema]())
	alias(reflect.TypeFor[event.ID](), reflect.TypeFor[idSchema]())
	alias(reflect.TypeFor[timespan.Span](), reflect.TypeFor[spanSchema]())
	alias(reflect.TypeFor[endpoint.Schedule](), reflect.TypeFor[[]string]())
	alias(reflect.TypeFor[api.Patch[string]](), reflect.TypeFor[*string]())
	alias(reflect.TypeFor[api.Patch[bool]](), reflect.TypeFor[*bool]())
	alias(reflect.TypeFor[api.Patch[int]](), reflect.TypeFor[*int]())
	alias(reflect.TypeFor[api.Patch[float64]](), reflect.TypeFor[*float64]())
	alias(reflect.TypeFor[api.Patch[[]string]](), reflect.TypeFor[[]string]())
	alias(reflect.TypeFor[api.Patch[[]event.ID]](), reflect.TypeFor[[]event.ID]())
	alias(reflect.TypeFor[api.Patch[[]api.SigningSecret]](), reflect.TypeFor[[]api.SigningSecret]())
	alias(reflect.TypeFor[api.Endpoint](), reflect.TypeFor[endpointSchema]())
	alias(reflect.TypeFor[api.EndpointUpdate](), reflect.TypeFor[endpointUpdateSchema]())
	alias(reflect.TypeFor[api.EndpointCreate](), reflect.TypeFor[endpointCreateSchema]())
	alias(reflect.TypeFor[api.GroupCreate](), reflect.TypeFor[groupCreateSchema]())
	alias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[api.ErrorBody]())
	return registry
}

// finishSchemas says what can't be said by types: lists are never null, except
// where null takes one back to its default, and the options of a style stand
// beside an endpoint's members.
func finishSchemas(registry huma.Registry) {
	for name, schema := range registry.Map() {
		open := name == "Endpoint" || name == "EndpointUpdate" || name == "EndpointCreate" || name == "GroupCreate"
		if open {
			schema.AdditionalProperties = true
		}
		if name == "GroupCreate" {
			delete(schema.Properties, "url") // urls takes its place
			schema.Properties["urls"].Nullable = false
		}
		for _, property := range schema.Properties {
			if property.Type == huma.TypeArray && (name == "Endpoint" || !open && name != "IntegrationUpdate") {
				property.Nullable = false
			}
		}
	}
}
