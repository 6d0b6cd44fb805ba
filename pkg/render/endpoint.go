package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dam-delivery/dz/pkg/api"
)

// An option's value stands beside its name on a terminal of 80 columns.
const (
	longOption = 56 // of its JSON on one line, in bytes
	longList   = 46 // of a line of a list; "(default)" may follow
)

// Endpoints prints a list of endpoints, a line each.
func (p *Printer) Endpoints(list []api.Endpoint) error {
	names := make([]string, len(list))
	for i, ep := range list {
		names[i] = ep.Name
	}
	if list == nil {
		list = []api.Endpoint{}
	}
	return p.show(list, names, func(out *page) {
		rows := make([][]cell, len(list))
		for i, ep := range list {
			rows[i] = []cell{
				plain(ep.Name), plain(ep.Group), painted(ep.State, out.paint.state), plain(ep.Style), plain(ep.URL),
				plain(strings.Join(ep.ChangeTypes.Names(), ", ")), plain(ep.Description),
				plain(relative(ep.Updated, out.now)),
			}
		}
		out.table([]column{
			{title: "NAME", least: 10},
			{title: "GROUP", least: 8, drop: 5},
			{title: "STATE"},
			{title: "STYLE", drop: 2},
			{title: "URL", least: 24},
			{title: "CHANGE TYPES", least: 16, drop: 1},
			{title: "DESCRIPTION", least: 16, drop: 4},
			{title: "UPDATED", drop: 3},
		}, rows)
		out.holding(list)
	})
}

// Endpoint prints all settings of one endpoint, and, in the table, its health
// if it is known.
func (p *Printer) Endpoint(ep api.Endpoint, health *api.EndpointStatus) error {
	return p.show(ep, []string{ep.Name}, func(out *page) {
		out.endpoint(ep)
		if health != nil {
			out.health(*health, ep.Skips)
		}
	})
}

func (out *page) endpoint(ep api.Endpoint) {
	list := []pair{
		{"Name", out.paint.bold(clean(ep.Name))},
		{"Group", clean(ep.Group)},
		{"State", out.paint.state(ep.State)},
		{"Temporary", temporary(ep)},
		{"Style", clean(ep.Style)},
		{"URL", clean(ep.URL)},
		{"Description", cleanBlock(ep.Description)},
		{"Change types", strings.Join(ep.ChangeTypes.Names(), ", ")},
		{"Events", cleanList(ep.Events)},
		{"Fields", cleanList(ep.Fields)},
		{"Exclude fields", cleanList(ep.ExcludeFields)},
		{"Formats", joinIDs(ep.Formats)},
		{"Channels", joinIDs(ep.Channels)},
		{"Reasons", cleanList(ep.Reasons)},
		{"Filter", cleanBlock(ep.Filter)},
		{"Headers", headerLines(ep.Headers)},
		{"Signing", signingLines(ep.Signing, out.now)},
	}
	for _, name := range slices.Sorted(maps.Keys(ep.Options)) {
		text := optionText(ep.Options[name])
		if name == "resyncEvery" && text == "0s" {
			text = "never"
		}
		if slices.Contains(ep.Defaults, name) {
			text += out.paint.dim(" (default)")
		}
		list = append(list, pair{clean(optionLabel(name)), text})
	}
	debounce, maxWait := "default", "default"
	if w := ep.Window; w != nil { // an older daemon does not say
		defaulted := out.paint.dim(" (default)")
		debounce, maxWait = w.Debounce.String()+defaulted, w.MaxWait.String()+defaulted
	}
	if ep.Debounce != nil {
		debounce = ep.Debounce.String()
	}
	if ep.MaxWait != nil {
		maxWait = ep.MaxWait.String()
	}
	rate := "unlimited"
	if ep.Rate > 0 {
		rate = strconv.FormatFloat(ep.Rate, 'g', -1, 64) + " a second"
	}
	list = append(list,
		pair{"Debounce", debounce},
		pair{"Max wait", maxWait},
		pair{"Retry", ep.Retry.String()},
		pair{"Timeout", fmt.Sprintf("%s, connecting %s", ep.Timeout, ep.ConnectTimeout)},
		pair{"Concurrency", strconv.Itoa(ep.Concurrency)},
		pair{"Rate", rate},
		pair{"CA file", clean(ep.CAFile)},
		pair{"Client cert", clean(ep.ClientCert)},
		pair{"Client key", clean(ep.ClientKey)},
		pair{"Created", moment(ep.Created, out.now)},
		pair{"Updated", moment(ep.Updated, out.now)},
	)
	out.pairs(list...)
}

// health prints how an endpoint is doing; skips are the changes that it was not told,
// by reason.
func (out *page) health(s api.EndpointStatus, skips map[string]uint64) {
	fmt.Fprintln(out)
	list := []pair{
		{"Debts", fmt.Sprintf("%s, %s of them retrying, %s in flight", count(s.Debts), count(s.Retrying), count(s.InFlight))},
		{"Failures", count(s.Failures)},
		{"Delivered", count(s.Delivered)},
	}
	list = append(list, out.tracking(s, skips)...)
	if s.LastSuccess != nil {
		list = append(list, pair{"Last success", moment(*s.LastSuccess, out.now)})
	}
	if s.LastFailure != nil {
		list = append(list, pair{"Last failure", moment(*s.LastFailure, out.now)})
	}
	if s.LastError != "" {
		list = append(list, pair{"Last error", out.paint.bad(clean(s.LastError))})
	}
	if s.NextAttempt != nil {
		list = append(list, pair{"Next attempt", moment(*s.NextAttempt, out.now)})
	}
	out.pairs(list...)
}

// headerLines writes headers sorted, a line each.
func headerLines(headers map[string]string) string {
	lines := make([]string, 0, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		lines = append(lines, clean(name)+": "+clean(headers[name]))
	}
	return strings.Join(lines, "\n")
}

// signingLines shows what requests are signed with, a line each: of ed25519 with
// the public key, which is what a receiver needs.
func signingLines(secrets []api.SigningSecret, now time.Time) string {
	lines := make([]string, 0, len(secrets))
	for _, s := range secrets {
		line := clean(s.Scheme) + " " + clean(s.Secret)
		if s.PublicKey != "" {
			line += ", public key " + clean(s.PublicKey)
		}
		if s.Expires != nil {
			line += ", until " + moment(*s.Expires, now)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func cleanList(list []string) string { return clean(strings.Join(list, ", ")) }

func joinIDs[T fmt.Stringer](ids []T) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return cleanList(texts)
}

// optionLabel writes a member's name in words, as those of the other settings: tenantId
// is Tenant ID.
func optionLabel(name string) string {
	var label strings.Builder
	for i, r := range name {
		switch {
		case i == 0:
			label.WriteRune(unicode.ToUpper(r))
		case unicode.IsUpper(r):
			label.WriteRune(' ')
			label.WriteRune(unicode.ToLower(r))
		default:
			label.WriteRune(r)
		}
	}
	words := strings.Fields(label.String())
	for i, word := range words {
		if short := strings.ToUpper(word); short == "ID" || short == "API" {
			words[i] = short
		}
	}
	return strings.Join(words, " ")
}

// optionText writes a text without quotes, the texts and numbers of a list one after
// another, and anything else as JSON: on several lines where one would be too long.
func optionText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return clean(text)
	}
	if texts := optionTexts(raw); len(texts) > 0 {
		return filled(texts)
	}
	var lines bytes.Buffer
	if len(raw) > longOption && json.Indent(&lines, raw, "", "  ") == nil {
		return cleanBlock(lines.String())
	}
	return clean(string(raw))
}

// optionTexts returns the elements of a list, nil of what is no list of texts and numbers.
func optionTexts(raw json.RawMessage) []string {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return nil
	}
	texts := make([]string, len(elements))
	for i, element := range elements {
		var number json.Number
		if json.Unmarshal(element, &texts[i]) == nil {
			continue
		}
		if json.Unmarshal(element, &number) != nil {
			return nil
		}
		texts[i] = number.String()
	}
	return texts
}

// filled writes texts one after another, on lines of at most longList bytes
// where they are not longer themselves.
func filled(texts []string) string {
	var all strings.Builder
	used := 0
	for i, text := range texts {
		text = clean(text)
		switch {
		case i == 0:
		case used+len(text)+len(",") > longList:
			all.WriteString(",\n")
			used = 0
		default:
			all.WriteString(", ")
		}
		all.WriteString(text)
		used += len(text) + len(", ")
	}
	return all.String()
}

func temporary(ep api.Endpoint) string {
	if !ep.Temporary {
		return ""
	}
	return "removed when nobody watches its attempts"
}
