package api

import (
	"encoding/json"

	"github.com/dam-delivery/dz/pkg/event"
)

// Integration is a managed integration as KeyShot Dock's API names it: an
// endpoint of style managed, with the settings that an integration is set up
// with. Secrets are masked as "***" unless they were asked for with reveal; of
// the configuration every value is one.
type Integration struct {
	ID                             string            `json:"id" doc:"the endpoint's name"`
	Name                           string            `json:"name"`
	Enabled                        bool              `json:"enabled"`
	EndpointURL                    string            `json:"endpointUrl"`
	AdditionalMetadataFields       []string          `json:"additionalMetadataFields"`
	TriggerOnFormatChange          []event.ID        `json:"triggerOnFormatChange" doc:"formats whose (re)generation is told"`
	AlwaysTrigger                  bool              `json:"alwaysTrigger"`
	AssetFilter                    string            `json:"assetFilter"`
	CustomHeaders                  map[string]string `json:"customHeaders"`
	Language                       string            `json:"language"`
	MaxBatchSize                   int               `json:"maxBatchSize"`
	RequestTimeout                 float64           `json:"requestTimeout" doc:"seconds"`
	APIUser                        string            `json:"apiUser"`
	IntegrationConfigurationSchema json.RawMessage   `json:"integrationConfigurationSchema" doc:"JSON Schema; null: none"`
	IntegrationConfiguration       json.RawMessage   `json:"integrationConfiguration" doc:"an object; null: none"`
}

// IntegrationList holds the managed integrations, by name.
type IntegrationList struct {
	Integrations []Integration `json:"integrations"`
}

// IntegrationUpdate changes a managed integration, or registers one. Null means
// the default.
type IntegrationUpdate struct {
	Name                           string                   `json:"name,omitempty" doc:"of a new one; it can't be changed"`
	Enabled                        Patch[bool]              `json:"enabled,omitzero"`
	EndpointURL                    string                   `json:"endpointUrl,omitempty"`
	AdditionalMetadataFields       Patch[[]string]          `json:"additionalMetadataFields,omitzero"`
	TriggerOnFormatChange          Patch[[]event.ID]        `json:"triggerOnFormatChange,omitzero"`
	AlwaysTrigger                  Patch[bool]              `json:"alwaysTrigger,omitzero"`
	AssetFilter                    Patch[string]            `json:"assetFilter,omitzero"`
	CustomHeaders                  map[string]Patch[string] `json:"customHeaders,omitempty"`
	Language                       Patch[string]            `json:"language,omitzero"`
	MaxBatchSize                   Patch[int]               `json:"maxBatchSize,omitzero"`
	RequestTimeout                 Patch[float64]           `json:"requestTimeout,omitzero" doc:"seconds"`
	APIUser                        Patch[string]            `json:"apiUser,omitzero"`
	IntegrationConfigurationSchema json.RawMessage          `json:"integrationConfigurationSchema,omitempty" doc:"JSON Schema"`
	IntegrationConfiguration       json.RawMessage          `json:"integrationConfiguration,omitempty" doc:"an object"`
}
