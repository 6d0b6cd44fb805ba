package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// ofStyle is the annotation of a flag that only endpoints of one style have.
const ofStyle = "style"

// options declares what the styles add.
func (s *settings) options(cmd *cobra.Command) {
	for _, name := range s.styles.Names() {
		st, err := s.styles.Get(name)
		if err != nil {
			continue // Names has only what Get knows
		}
		for _, option := range st.Options() {
			// Two styles may have the same, and a flag that every endpoint has is
			// theirs too.
			if option.Flag != "" && cmd.Flags().Lookup(option.Flag) == nil {
				s.declareOption(cmd, option)
				_ = cmd.Flags().SetAnnotation(option.Flag, ofStyle, []string{name}) // the flag is declared above
			}
		}
	}
}

// timeouts says how long a request may take by default: at first most styles'.
func (s *settings) timeouts() string {
	text := endpoint.DefaultTimeout.String()
	for _, name := range s.styles.Names() {
		st, err := s.styles.Get(name)
		if err != nil {
			continue // Names has only what Get knows
		}
		if own := timespan.Span(st.Limits(&endpoint.Endpoint{}).Timeout); own != endpoint.DefaultTimeout {
			text += ", of style " + name + " " + own.String()
		}
	}
	return text
}

func (s *settings) declareOption(cmd *cobra.Command, option style.Option) {
	usage := option.Usage
	if option.Default != nil && !option.Type.IsList() { // a list may be long: its usage says what is in it
		usage += fmt.Sprintf(" (default %v)", option.Default)
	}
	kind := string(option.Type)
	if len(option.Values) > 0 {
		kind = strings.Join(option.Values, "|")
	}
	cmd.Flags().Var(&setting{kind, s.optionSetter(option), s}, option.Flag, usage)
	if option.Type == style.Bool {
		cmd.Flags().Lookup(option.Flag).NoOptDefVal = "true"
	}
	if len(option.Values) > 0 {
		complete(cmd, option.Flag, option.Values)
	}
}

// optionSetter returns what notes the value of a style's option. A list is
// separated by commas, or given several times.
func (s *settings) optionSetter(option style.Option) func(text string) error {
	var all []string
	return func(text string) error {
		if text == "" {
			all = nil
			s.noteOption(option.Name, nil)
			return nil
		}
		if option.Type.IsList() {
			all = append(all, split(text)...)
		} else {
			value, err := s.optionText(option, text)
			if err != nil {
				return err
			}
			all = []string{value}
		}
		raw, err := option.Parse(all...)
		if err != nil {
			return err
		}
		s.noteOption(option.Name, raw)
		return nil
	}
}

// optionText returns what stands for a value on the command line, or in the
// file that it names.
func (s *settings) optionText(option style.Option, text string) (string, error) {
	if !option.Secret && option.Type != style.JSON {
		return text, nil
	}
	return s.app.value(text, style.MaxOption)
}

// tellsAgain names what tells the endpoints of a name the assets that a change of these
// settings changes for them: those of a style that tracks them, which are told by
// themselves only when they change. It is "" where there is none.
func (s *settings) tellsAgain(name string, updated []api.Endpoint) string {
	if !slices.ContainsFunc(updated, s.shapes) {
		return ""
	}
	has, it := "it has", "it"
	if len(updated) > 1 {
		has, it = "they have", "them"
	}
	return "; what that changes of what " + has + ", 'dz resync " + name + " --changed' tells " + it
}

// shapes reports whether these settings decide what an endpoint is told of assets that
// its style tracks.
func (s *settings) shapes(ep api.Endpoint) bool {
	st, err := s.styles.Get(ep.Style)
	if _, tracks := st.(style.Tracker); err != nil || !tracks {
		return false
	}
	return !s.update.Filter.IsZero() || slices.ContainsFunc(st.Options(), func(option style.Option) bool {
		_, given := s.update.Options[option.Name]
		return given && option.Shapes
	})
}

// warnOfDeletions says of endpoints whose style tracks assets that these settings leave
// deletions out of what they are told.
func (s *settings) warnOfDeletions(name string, list []api.Endpoint) {
	if s.update.Events.IsZero() && s.update.Reasons.IsZero() && s.update.Style.IsZero() {
		return
	}
	if !slices.ContainsFunc(list, s.missesDeletions) {
		return
	}
	s.app.note("dz: warning: the events or reasons of %s leave deletions out: an asset that is deleted stays with it until a 'dz resync %s --changed', or one by --resync-every", name, name)
}

func (s *settings) missesDeletions(ep api.Endpoint) bool {
	st, err := s.styles.Get(ep.Style)
	if _, tracks := st.(style.Tracker); err != nil || !tracks {
		return false
	}
	sub := endpoint.Subscription{ChangeTypes: event.AssetChanged, Events: ep.Events, Reasons: ep.Reasons}
	matcher, err := sub.Compile()
	if err != nil {
		return false
	}
	wanted, _ := matcher.Match(&event.Event{Type: "AssetDeleted", ChangeType: event.AssetChanged, Reason: "delete"})
	return !wanted
}

// staysHeld says that a change of the guard against mass deletion releases nothing that
// it holds. It is "" where there is none.
func (s *settings) staysHeld(ctx context.Context, client *api.Client, updated []api.Endpoint) (string, error) {
	text := ""
	for _, ep := range updated {
		st, err := s.styles.Get(ep.Style)
		if err != nil || !slices.ContainsFunc(st.Options(), func(o style.Option) bool {
			_, given := s.update.Options[o.Name]
			return given && o.Holds
		}) {
			continue
		}
		if ep, err = client.Endpoint(ctx, ep.Name, false); err != nil {
			return "", err
		}
		if ep.Held > 0 {
			verb := "stay"
			if ep.Held == 1 {
				verb = "stays"
			}
			text += fmt.Sprintf("; %s %s held until 'dz endpoint release %s'", render.Count(ep.Held, "deletion"), verb, ep.Name)
		}
	}
	return text, nil
}

// noteOption notes an option's value, nil for its default.
func (s *settings) noteOption(name string, raw json.RawMessage) {
	if s.update.Options == nil {
		s.update.Options, s.draft.Options = map[string]any{}, map[string]json.RawMessage{}
	}
	if raw == nil || string(raw) == "null" {
		s.update.Options[name] = nil
		delete(s.draft.Options, name)
		return
	}
	s.update.Options[name], s.draft.Options[name] = raw, raw
}
