package endpoint

import (
	"fmt"
	"net/url"
	"strings"
)

// RedactURL masks what may be a secret in a URL: the user information, and the
// values of the query, which is where tokens stand. A text that is no URL with a
// host comes back as it is only if it has neither.
func RedactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		if strings.ContainsAny(text, "@?") {
			return Masked
		}
		return text
	}
	before, query, hasQuery := strings.Cut(text, "?")
	if u.User != nil {
		scheme, rest, _ := strings.Cut(before, "//")
		// The host begins after the last "@" of the authority.
		authority, path := rest, ""
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			authority, path = rest[:slash], rest[slash:]
		}
		before = scheme + "//" + Masked + authority[strings.LastIndexByte(authority, '@'):] + path
	}
	if !hasQuery {
		return before
	}
	return before + "?" + redactQuery(query)
}

// redactQuery masks the values of a query, and parts that have no name.
func redactQuery(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, named := strings.Cut(part, "=")
		switch {
		case named:
			parts[i] = name + "=" + Masked
		case part != "":
			parts[i] = Masked
		}
	}
	return strings.Join(parts, "&")
}

// UnmaskURL returns text with what is masked in it taken from the stored URL, so
// that a URL can be sent back as it was shown, and changed elsewhere. The error
// names a mask for which nothing is stored.
func UnmaskURL(text, stored string) (string, error) {
	if text == RedactURL(stored) {
		return stored, nil
	}
	before, query, hasQuery := strings.Cut(text, "?")
	old, err := url.Parse(stored)
	if err != nil {
		return "", fmt.Errorf("the stored url can't be read")
	}
	if _, rest, found := strings.Cut(before, "//"); found && strings.HasPrefix(rest, Masked+"@") {
		if old.User == nil {
			return "", fmt.Errorf("url has %s in place of user and password, and none are stored", Masked)
		}
		before = strings.Replace(before, "//"+Masked+"@", "//"+old.User.String()+"@", 1)
	}
	if !hasQuery {
		return before, nil
	}
	known := make(map[string]string)
	for part := range strings.SplitSeq(old.RawQuery, "&") {
		name, _, _ := strings.Cut(part, "=")
		known[name] = part
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		if value != Masked {
			continue
		}
		if known[name] == "" {
			return "", fmt.Errorf("url has %s in place of the query's %q, and none is stored", Masked, name)
		}
		parts[i] = known[name]
	}
	return before + "?" + strings.Join(parts, "&"), nil
}
