package cmd

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/signature"
	"github.com/dam-delivery/dz/pkg/style"
)

// settings are the flags that describe an endpoint. Each flag that is given is
// noted twice: in update as it is sent, in draft as it is checked here, so that
// what can be seen to be wrong is said before the daemon is asked. An empty
// value takes a setting back to its default.
type settings struct {
	app    *app
	styles *style.Set
	update api.EndpointUpdate
	draft  endpoint.Endpoint
	urls   []string // all of --url
	off    bool     // --disabled
	given  bool     // any flag

	signs bool // --sign or --signing-secret
	made  bool // --sign
	key   signature.Key
}

// declare adds the flags to a command.
func (s *settings) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	s.url(flags)
	s.text(flags, "style", "delivery `STYLE`: "+strings.Join(s.styles.Names(), ", ")+" (default "+endpoint.DefaultStyle+")",
		&s.update.Style, &s.draft.Style)
	s.text(flags, "description", "`TEXT` for people", &s.update.Description, &s.draft.Description)
	flags.BoolVar(&s.off, "disabled", false, "collect what is owed, but send nothing")
	s.subscription(flags)
	s.delivery(flags)
	s.signing(flags)
	s.options(cmd)

	complete(cmd, "style", s.styles.Names())
	complete(cmd, "sign", []string{string(signature.HMAC), string(signature.Ed25519)})
	completeList(cmd, "change-types", event.AllChanges.Names())
	completeList(cmd, "events", event.TypeNames(event.AllChanges))
	completeList(cmd, "reasons", event.Reasons())
	for _, name := range []string{"ca-file", "client-cert", "client-key"} {
		_ = cmd.MarkFlagFilename(name) // the flags are declared above
	}
	cmd.Flags().SortFlags = false
}

// url declares the target. A new endpoint may be given several.
func (s *settings) url(flags *pflag.FlagSet) {
	set := func(text string) error {
		s.urls = append(s.urls, text)
		s.update.URL, s.draft.URL = orDefault(text), text
		return nil
	}
	flags.Var(&setting{"stringArray", set, s}, "url", "`URL` that notifications are sent to; when adding, several make a group")
}

// subscription declares which changes are wanted.
func (s *settings) subscription(flags *pflag.FlagSet) {
	sub := &s.draft.Subscription
	s.list(flags, "change-types", "`TYPES` of changes: "+event.AllChanges.String(), &s.update.ChangeTypes,
		func(names []string) error {
			sub.ChangeTypes = 0
			for _, name := range names {
				bit, err := event.ParseChangeType(name)
				if err != nil {
					return err
				}
				sub.ChangeTypes |= bit
			}
			return nil
		})
	s.list(flags, "events", "only these `EVENTS`, such as AssetMetadataUpdated", &s.update.Events,
		func(names []string) error {
			sub.Events = names
			return each(names, func(name string) error { _, _, err := event.ParseType(name); return err })
		})
	s.list(flags, "reasons", "only these `REASONS`, such as metadata,delete", &s.update.Reasons,
		func(names []string) error {
			sub.Reasons = names
			return each(names, func(name string) error { _, err := event.ParseReason(name); return err })
		})
	s.list(flags, "fields", "only metadata changes of one of these `FIELDS`", &s.update.Fields,
		func(names []string) error { sub.Fields = names; return nil })
	s.list(flags, "exclude-fields", "no metadata changes of these `FIELDS` alone", &s.update.ExcludeFields,
		func(names []string) error { sub.ExcludeFields = names; return nil })
	s.ids(flags, "formats", "only published profiles of these format `IDS`", &s.update.Formats, &sub.Formats)
	s.ids(flags, "channels", "only publishing to, and withdrawing from, these channel folder `IDS`",
		&s.update.Channels, &sub.Channels)
	s.text(flags, "filter", "`EXPRESSION` over event and asset, such as 'event.streamtype == \"video\"'; of a managed integration over asset alone, see 'dz endpoint filter --help'",
		&s.update.Filter, &sub.Filter)
}

// delivery declares how changes are sent.
func (s *settings) delivery(flags *pflag.FlagSet) {
	flags.VarP(&setting{"stringArray", s.header, s}, "header", "H",
		"`'NAME: VALUE'` of a header to send, repeatable; 'NAME: @FILE' reads the value from a file, 'NAME:' removes the header")
	s.optionalSpan(flags, "debounce", "quiet `TIME` before a change is told, such as 5s or 00:00:05", &s.update.Debounce, &s.draft.Debounce)
	s.optionalSpan(flags, "max-wait", "longest `TIME` that debouncing may hold a change back", &s.update.MaxWait, &s.draft.MaxWait)
	s.flag(flags, "retry", "`TIMES` between attempts, such as 5s,5m,30m", func(text string) error {
		s.draft.Retry = nil
		if s.update.Retry = orDefault(text); text == "" {
			return nil
		}
		var err error
		s.draft.Retry, err = endpoint.ParseSchedule(text)
		return err
	})
	s.span(flags, "timeout", "longest `TIME` of a whole request (default "+s.timeouts()+")", &s.update.Timeout, &s.draft.Timeout)
	s.span(flags, "connect-timeout", "longest `TIME` of connecting (default 5s)", &s.update.ConnectTimeout, &s.draft.ConnectTimeout)
	s.flag(flags, "concurrency", fmt.Sprintf("`NUMBER` of requests at a time (default %d)", endpoint.DefaultConcurrency),
		func(text string) (err error) {
			s.draft.Concurrency, s.update.Concurrency = 0, api.Default[int]()
			if text == "" {
				return nil
			}
			if s.draft.Concurrency, err = strconv.Atoi(text); err != nil || s.draft.Concurrency < 1 {
				return fmt.Errorf("%q is not a whole number from 1 to %d", text, endpoint.MaxConcurrency)
			}
			s.update.Concurrency = api.Set(s.draft.Concurrency)
			return nil
		})
	s.flag(flags, "rate", "`NUMBER` of requests a second at most (default unlimited)", func(text string) (err error) {
		s.draft.Rate, s.update.Rate = 0, api.Default[float64]()
		if text == "" {
			return nil
		}
		if s.draft.Rate, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("%q is not a number of requests a second", text)
		}
		s.update.Rate = api.Set(s.draft.Rate)
		return nil
	})
	s.path(flags, "ca-file", "PEM `FILE` of authorities to trust instead of the system's", &s.update.CAFile, &s.draft.CAFile)
	s.path(flags, "client-cert", "PEM `FILE` of the certificate to show", &s.update.ClientCert, &s.draft.ClientCert)
	s.path(flags, "client-key", "PEM `FILE` of its key", &s.update.ClientKey, &s.draft.ClientKey)
}

// finish notes what is only known once all flags are read.
func (s *settings) finish(cmd *cobra.Command) {
	if cmd.Flags().Changed("disabled") {
		s.given = true
		s.update.Enabled = api.Set(!s.off)
	}
}
