package cmd

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/signature"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// maxCapture bounds a captured request, in bytes: as much as "dz listen" takes,
// written as JSON.
const maxCapture = 64 << 20

// verifyOptions say what is checked, and how.
type verifyOptions struct {
	app       *app
	keys      []signature.Key // of --secret
	gateway   string          // --gateway-secret
	separator string
	header    http.Header
	body      string // a file
	at        when
	tolerance timespan.Span
}

// verification is what became of a request, as "dz verify -o json" prints it.
type verification struct {
	Verified bool                `json:"verified"`
	Problems []signature.Problem `json:"problems"`
}

func newVerifyCommand(a *app) *cobra.Command {
	opts := &verifyOptions{app: a, header: http.Header{}, at: when{now: a.env.Now}, tolerance: timespan.Span(signature.Tolerance)}
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check the signature of a captured request, and say what is wrong",
		Long: `Check the signature of a captured request, and say what is wrong with it: a missing
header, a clock, another secret, or what was done to the body, as far as that can
be told. Exits with 1 if it does not verify. No daemon is asked.

The request is given by its headers and body; or FILE holds lines that 'dz listen
-o json' printed ('-' is stdin), which are all checked, each as of its time.

--secret checks signatures of Standard Webhooks; give it several times where a
secret is being rotated. --gateway-secret checks the secret in pings of the style
gateway. '@FILE' reads a secret from a file.`,
		Example: `  dz verify --secret @secret --header 'webhook-id: msg_1' --header 'webhook-timestamp: 1795255200' \
      --header 'webhook-signature: v1,…' --body body.json
  dz verify --secret whpk_… --headers headers.txt --body - <body.json
  dz listen -o json | tee seen.ndjson; dz verify --secret @secret seen.ndjson
  dz verify --gateway-secret @secret --secret-separator , --body ping.json --tolerance 0`,
		Args:    exactly("[FILE]"),
		PreRunE: func(cmd *cobra.Command, args []string) error { return opts.check(cmd, args) },
		RunE: func(_ *cobra.Command, args []string) error {
			out, err := a.printer()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return opts.verifyLines(out, args[0])
			}
			return opts.verifyOne(out)
		},
	}
	flags := cmd.Flags()
	flags.Var(textFlag{"SECRET", opts.secret}, "secret", "`SECRET` (whsec_…) or public key (whpk_…) of Standard Webhooks, repeatable")
	flags.Var(textFlag{"SECRET", opts.gatewaySecret}, "gateway-secret", "`SECRET` of an endpoint of style gateway")
	flags.StringVar(&opts.separator, "secret-separator", "", "`TEXT` that joins the parts of the gateway's secret (default none)")
	flags.VarP(textFlag{"stringArray", opts.oneHeader}, "header", "H", "`'NAME: VALUE'` of a header that came, repeatable")
	flags.Var(textFlag{"FILE", opts.headerFile}, "headers", "`FILE` with the headers that came, one a line, as curl -v or a proxy prints them")
	flags.StringVar(&opts.body, "body", "", "`FILE` with the body that came, byte for byte; - is stdin (default: an empty body)")
	flags.Var(&opts.at, "at", "check as of this `TIME` instead of now, such as 2026-11-21T10:00:00Z")
	flags.Var(&opts.tolerance, "tolerance", "`TIME` that the request's clock may be off; 0: any")
	flags.SortFlags = false
	for _, name := range []string{"headers", "body"} {
		_ = cmd.MarkFlagFilename(name) // the flags are declared above
	}
	return cmd
}

// textFlag is a flag that is read by a function.
type textFlag struct {
	kind string
	set  func(string) error
}

func (f textFlag) String() string        { return "" }
func (f textFlag) Type() string          { return f.kind }
func (f textFlag) Set(text string) error { return f.set(text) }

// secret notes a key. The error does not repeat it.
func (o *verifyOptions) secret(text string) error {
	text, err := o.app.secret(text)
	if err != nil {
		return err
	}
	key, err := signature.Parse(text)
	if err != nil {
		return err
	}
	o.keys = append(o.keys, key)
	return nil
}

func (o *verifyOptions) gatewaySecret(text string) (err error) {
	if o.gateway, err = o.app.secret(text); err == nil && o.gateway == "" {
		return errors.New("it is empty")
	}
	return err
}

// check reports what does not go together.
func (o *verifyOptions) check(cmd *cobra.Command, args []string) error {
	standard, gateway := len(o.keys) > 0, o.gateway != ""
	switch {
	case standard == gateway:
		return usageError{errors.New("what is to be checked with?"), "give --secret (Standard Webhooks) or --gateway-secret (style gateway)"}
	case standard && cmd.Flags().Changed("secret-separator"):
		return usagef("--secret-separator belongs to --gateway-secret")
	case o.tolerance < 0:
		return usagef("--tolerance: %s is negative", o.tolerance)
	case len(args) == 1 && (len(o.header) > 0 || o.body != ""):
		return usagef("FILE holds headers and bodies: leave --header, --headers and --body out, or FILE")
	case len(args) == 0 && standard && len(o.header) == 0:
		return usageError{errors.New("no header is given"), "give --header or --headers, or a FILE of 'dz listen -o json'"}
	case len(args) == 0 && gateway && o.body == "":
		return usageError{errors.New("no body is given, which holds the gateway's secret"), "give --body, or a FILE of 'dz listen -o json'"}
	default:
		return nil
	}
}

// verify checks one request.
func (o *verifyOptions) verify(header http.Header, body []byte, now time.Time) verification {
	if o.at.time != nil {
		now = *o.at.time
	}
	var problems []signature.Problem
	if o.gateway != "" {
		problems = signature.VerifyGateway(o.gateway, o.separator, body, now, o.tolerance.Std())
	} else {
		problems = signature.Verify(o.keys, header, body, now, o.tolerance.Std())
	}
	if problems == nil {
		return verification{Verified: true, Problems: []signature.Problem{}}
	}
	return verification{Problems: problems}
}

// verifyOne checks the request that the flags describe.
func (o *verifyOptions) verifyOne(out *render.Printer) error {
	body, err := o.readBody()
	if err != nil {
		return err
	}
	result := o.verify(o.header, body, o.app.env.Now())
	sentence := outcome(result)
	if !result.Verified {
		sentence += ": " + strings.Join(texts(result), "; ")
	}
	if err := out.Result(result, outcome(result), sentence); err != nil {
		return err
	}
	if !result.Verified {
		return errSilent
	}
	return nil
}

func (o *verifyOptions) readBody() ([]byte, error) {
	if o.body == "" {
		return nil, nil
	}
	return o.app.readAll(o.body)
}

// readAll reads a file whole, "-" is stdin.
func (a *app) readAll(name string) ([]byte, error) {
	source := a.env.Stdin
	if name != stdoutName {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close() //nolint:errcheck // it was only read
		source = file
	}
	raw, err := io.ReadAll(io.LimitReader(source, maxCapture+1))
	if err == nil && len(raw) > maxCapture {
		err = fmt.Errorf("%s is longer than %s", name, render.Size(maxCapture))
	}
	return raw, err
}

// outcome says in a word what became of a request.
func outcome(v verification) string {
	if v.Verified {
		return "verified"
	}
	return "not verified"
}

func texts(v verification) []string {
	list := make([]string, len(v.Problems))
	for i, p := range v.Problems {
		list[i] = p.Text
	}
	return list
}
