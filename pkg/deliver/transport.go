package deliver

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

const (
	// maxIdle bounds the idle connections to one host: no endpoint has more
	// requests under way than this. There is no bound for all hosts together,
	// for net/http would keep it by closing the connection that became idle
	// first, though the answer on it may not have been taken yet; time bounds
	// them.
	maxIdle     = endpoint.MaxConcurrency
	idleTimeout = time.Minute
	// maxAnswerHeader bounds the header of an answer, in bytes.
	maxAnswerHeader = 256 << 10
	// A connection of HTTP/2 that has been silent is asked whether it still
	// lives, so that a network that went away costs one request and not all.
	pingAfter   = 15 * time.Second
	pingTimeout = 10 * time.Second
)

// dialer returns what connects within a time, that of resolving included, to
// where the guard allows.
func (s *Sender) dialer(timeout time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	if s.config.Dial == nil {
		dialer := &net.Dialer{Timeout: timeout, Resolver: s.config.Resolver, ControlContext: s.control}
		return dialer.DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return s.guardedDial(ctx, network, address)
	}
}

// newTransport makes a transport. Its connect timeout holds for resolving and
// connecting together, and again for the TLS handshake.
func (s *Sender) newTransport(settings connectSettings) *http.Transport {
	return &http.Transport{
		Proxy:                  s.config.Proxy,
		OnProxyConnectResponse: checkProxyAnswer,
		DialContext:            s.dialer(settings.connectTimeout),
		TLSClientConfig: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			RootCAs:      settings.certificates.roots,
			Certificates: settings.certificates.client,
		},
		TLSHandshakeTimeout:    settings.connectTimeout,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		DisableCompression:     true, // what the limits count is what is sent
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
}

// proxyError is a proxy's refusal to connect to the receiver.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy refuses to connect: it answered %s", statusLine(e.status))
}

// checkProxyAnswer puts a proxy's refusal into words of dz, for its own words
// may be anything.
func checkProxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode != http.StatusOK {
		return &proxyError{answer.StatusCode}
	}
	return nil
}

// certificateFiles are the names of an endpoint's PEM files; "" for none.
type certificateFiles struct{ ca, cert, key string }

// certificates are what the files hold.
type certificates struct {
	roots  *x509.CertPool // nil: the system's
	client []tls.Certificate
	digest [sha256.Size]byte // of the files; all zero without any
}

// certificateError names the file that can't be used.
type certificateError struct{ err error }

func (e *certificateError) Error() string { return e.err.Error() }
func (e *certificateError) Unwrap() error { return e.err }

// load reads the files. Its errors are certificateErrors.
func (f certificateFiles) load() (certificates, error) {
	var loaded certificates
	if f == (certificateFiles{}) {
		return loaded, nil
	}
	digest := sha256.New()
	if f.ca != "" {
		pem, err := readPEM("CA file", f.ca)
		if err != nil {
			return certificates{}, err
		}
		loaded.roots = x509.NewCertPool()
		if !loaded.roots.AppendCertsFromPEM(pem) {
			return certificates{}, &certificateError{fmt.Errorf("CA file %s: it holds no certificate in PEM form", f.ca)}
		}
		fmt.Fprintf(digest, "ca %d %s", len(pem), pem)
	}
	if f.cert != "" {
		cert, err := readPEM("client certificate", f.cert)
		if err != nil {
			return certificates{}, err
		}
		key, err := readPEM("client key", f.key)
		if err != nil {
			return certificates{}, err
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return certificates{}, &certificateError{fmt.Errorf("client certificate %s with key %s: %w", f.cert, f.key, err)}
		}
		loaded.client = []tls.Certificate{pair}
		fmt.Fprintf(digest, "client %d %s %d %s", len(cert), cert, len(key), key)
	}
	digest.Sum(loaded.digest[:0])
	return loaded, nil
}

// maxPEM bounds a certificate file, in bytes: the system's own bundle of roots
// has a quarter of it.
const maxPEM = 1 << 20

// readPEM reads a regular file of at most maxPEM bytes: a device or a pipe
// could hold the attempt up for ever.
func readPEM(what, path string) ([]byte, error) {
	content, err := readRegular(path, maxPEM)
	if err != nil {
		var inPath *os.PathError
		if errors.As(err, &inPath) {
			err = inPath.Err // the path is named once
		}
		return nil, &certificateError{fmt.Errorf("%s %s: %w", what, path, err)}
	}
	return content, nil
}

func readRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("it is longer than %d bytes", limit)
	}
	return content, nil
}
