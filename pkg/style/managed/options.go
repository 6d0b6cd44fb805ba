package managed

import (
	"time"

	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/style/managed/projection"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// The style's options. The seed's other properties are those of every endpoint:
// name, enabled, url, filter, headers and timeout.
const (
	fieldsOption        = "additionalFields"
	formatsOption       = "triggerFormats"
	alwaysOption        = "alwaysTrigger"
	ignoreOption        = "ignoreFields"
	languageOption      = "language"
	batchOption         = "maxBatchSize"
	userOption          = "apiUser"
	configurationOption = "configuration"
	schemaOption        = "configurationSchema"
	tenantOption        = "tenantId"
	resyncOption        = "resyncEvery"
	guardOption         = "guard"
	aboveOption         = "guardAbove"
)

// ResyncEvery is the name of the option that says how often an endpoint is
// compared with the catalogue: a length of time, 0 for never.
const ResyncEvery = resyncOption

// ignoreNone, as the only pattern of members that decide nothing, says that there
// are none.
const ignoreNone = "none"

// minResync is the least time between two scheduled comparisons.
const minResync = time.Minute

// Options returns the properties of a managed integration that no other endpoint
// has.
func (Style) Options() []style.Option {
	return []style.Option{
		{
			Name: fieldsOption, Flag: "additional-fields", Type: style.Strings, Shapes: true,
			Usage: "metadata `FIELDS` (names or guids) to show beyond the standard ones; a change of any other field is skipped",
		},
		{
			Name: formatsOption, Flag: "trigger-formats", Type: style.IDs,
			Usage: "tell an asset also when one of these `FORMATS` (media format ids) was generated anew",
		},
		{
			Name: alwaysOption, Flag: "always-trigger", Type: style.Bool, Default: false,
			Usage: "tell every change, whether it matters or not",
		},
		{
			Name: ignoreOption, Flag: "ignore-fields", Type: style.Strings, Default: projection.DefaultIgnore(),
			Usage: "`PATTERNS` of members that change by themselves, and do not decide whether an asset has changed; none for no members (default: URLs, times of change, counters)",
		},
		{
			Name: languageOption, Flag: "language", Type: style.String, Shapes: true,
			Usage: "`LANGUAGE` of the metadata, as the DAM names it (default: the catalogue's)",
		},
		{
			Name: batchOption, Flag: "max-batch-size", Type: style.Int, Default: DefaultBatch, Min: 1, Max: MaxBatch,
			Usage: "assets a request, at most `N`",
		},
		{
			Name: userOption, Flag: "api-user", Type: style.String, Shapes: true,
			Usage: "show assets as this `USER` (the DAM's id) may see them; with a catalogue of type rest (default: the user that dz logs in as)",
		},
		{
			Name: configurationOption, Flag: "configuration", Type: style.JSON, Secret: true,
			Usage: "the integration's own configuration, sent with every request: `JSON`, or @FILE",
		},
		{
			Name: schemaOption, Flag: "configuration-schema", Type: style.JSON,
			Usage: "`JSON` Schema that the configuration is held to, or @FILE",
		},
		{
			Name: tenantOption, Flag: "tenant-id", Type: style.String,
			Usage: "send `TENANT` as the tenantId of every request",
		},
		{
			Name: resyncOption, Flag: "resync-every", Type: style.Duration, Default: timespan.Span(0), Min: 0, Max: int64(366 * 24 * time.Hour),
			Usage: "compare the endpoint with the catalogue every `SPAN`, and tell what differs (at least a minute; 0 for never)",
		},
		{
			Name: guardOption, Flag: "guard", Type: style.Int, Default: DefaultGuard, Min: 0, Max: 100, Holds: true,
			Usage: "hold deletions if they were more than this `PERCENT` of the tracked assets within 10 minutes; 0 turns the guard off, and releases none that it holds",
		},
		{
			Name: aboveOption, Flag: "guard-above", Type: style.Int, Default: DefaultAbove, Min: 0, Max: 1 << 31, Holds: true,
			Usage: "the guard lets up to `N` deletions pass within 10 minutes, whatever part of the assets they are",
		},
	}
}
