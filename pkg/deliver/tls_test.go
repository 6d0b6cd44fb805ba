package deliver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key, writePEM(t, "CERTIFICATE", raw)}
}

// issue makes a certificate for host, valid for an hour around the given time.
func (a authority) issue(t *testing.T, host string, around time.Time) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host},
		NotBefore: around.Add(-30 * time.Minute), NotAfter: around.Add(30 * time.Minute),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, kind string, raw []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), strings.ReplaceAll(strings.ToLower(kind), " ", "-")+".pem")
	rewritePEM(t, path, kind, raw)
	return path
}

func rewritePEM(t *testing.T, path, kind string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// asClient writes a certificate and its key into files, and has ep use them.
func asClient(t *testing.T, ep *endpoint.Endpoint, cert tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	ep.ClientCert = writePEM(t, "CERTIFICATE", cert.Certificate[0])
	ep.ClientKey = writePEM(t, "PRIVATE KEY", key)
}

func serveTLS(t *testing.T, config *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestServerCertificates(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t, "our authority"), newAuthority(t, "their authority")
	now := time.Now()
	for name, c := range map[string]struct {
		cert tls.Certificate
		ca   string
		text string // "" if delivered
	}{
		"own authority":      {ours.issue(t, "127.0.0.1", now), ours.file, ""},
		"unknown to system":  {ours.issue(t, "127.0.0.1", now), "", "TLS: x509: certificate signed by unknown authority"},
		"another authority":  {theirs.issue(t, "127.0.0.1", now), ours.file, "TLS: x509: certificate signed by unknown authority"},
		"another host":       {ours.issue(t, "shop.example", now), ours.file, "TLS: x509: cannot validate certificate for 127.0.0.1"},
		"expired":            {ours.issue(t, "127.0.0.1", now.Add(-2*time.Hour)), ours.file, "TLS: x509: certificate has expired or is not yet valid"},
		"not yet valid":      {ours.issue(t, "127.0.0.1", now.Add(2*time.Hour)), ours.file, "TLS: x509: certificate has expired or is not yet valid"},
		"no file":            {ours.issue(t, "127.0.0.1", now), "/nowhere/ca.pem", "CA file /nowhere/ca.pem: no such file or directory"},
		"not a file":         {ours.issue(t, "127.0.0.1", now), "/dev/zero", "CA file /dev/zero: it is not a regular file"},
		"not a certificate":  {ours.issue(t, "127.0.0.1", now), "tls_test.go", "CA file tls_test.go: it holds no certificate in PEM form"},
		"a file far too big": {ours.issue(t, "127.0.0.1", now), bigFile(t), "it is longer than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ep := endpointAt(serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.cert}}))
			ep.CAFile = c.ca
			_, got := newTestSender(t, Config{}).Send(t.Context(), ep, testRequest(), testLimits())
			if c.text == "" {
				if got.Verdict != attempt.Delivered {
					t.Errorf("%s, %q", got.Verdict, got.Error)
				}
				return
			}
			if got.Verdict != attempt.Unavailable || got.Reason != attempt.TLS || !strings.Contains(got.Error, c.text) {
				t.Errorf("%s, %s, %q; want tls, %q", got.Verdict, got.Reason, got.Error, c.text)
			}
		})
	}
}

func bigFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "big.pem")
	if err := os.WriteFile(path, make([]byte, maxPEM+1), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAPipeInThePlaceOfACertificateHoldsNothingUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ep := endpointAt("https://127.0.0.1:1/")
	ep.CAFile = path
	_, got := newTestSender(t, Config{}).Send(t.Context(), ep, testRequest(), testLimits())
	if got.Reason != attempt.TLS || !strings.Contains(got.Error, "not a regular file") {
		t.Errorf("%s, %q", got.Reason, got.Error)
	}
}

func TestAReceiverThatWantsAClientCertificate(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t, "our authority"), newAuthority(t, "their authority")
	clients := x509.NewCertPool()
	clients.AddCert(ours.cert)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		target := serveTLS(t, &tls.Config{
			Certificates: []tls.Certificate{ours.issue(t, "127.0.0.1", time.Now())},
			ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: clients,
			MinVersion: version, MaxVersion: version,
		})
		attemptAs := func(cert *tls.Certificate) attempt.Outcome {
			ep := endpointAt(target)
			ep.CAFile = ours.file
			if cert != nil {
				asClient(t, ep, *cert)
			}
			_, got := newTestSender(t, Config{}).Send(t.Context(), ep, testRequest(), testLimits())
			return got
		}
		good, wrong := ours.issue(t, "dz.example", time.Now()), theirs.issue(t, "dz.example", time.Now())
		if got := attemptAs(&good); got.Verdict != attempt.Delivered {
			t.Errorf("%s: the right certificate: %s, %q", tls.VersionName(version), got.Verdict, got.Error)
		}
		for name, cert := range map[string]*tls.Certificate{"none": nil, "a stranger's": &wrong} {
			got := attemptAs(cert)
			if got.Verdict != attempt.Unavailable || got.Reason != attempt.TLS || !strings.Contains(got.Error, "the receiver refuses: ") {
				t.Errorf("%s: %s: %s, %s, %q", tls.VersionName(version), name, got.Verdict, got.Reason, got.Error)
			}
		}
	}
}

func TestAClientCertificateThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "our authority")
	ep := endpointAt("https://127.0.0.1:1/")
	asClient(t, ep, ours.issue(t, "dz.example", time.Now()))
	other := endpointAt("")
	asClient(t, other, ours.issue(t, "dz.example", time.Now()))
	ep.ClientKey = other.ClientKey
	_, got := newTestSender(t, Config{}).Send(t.Context(), ep, testRequest(), testLimits())
	if got.Reason != attempt.TLS || !strings.Contains(got.Error, ep.ClientKey) || !strings.Contains(got.Error, "does not match") {
		t.Errorf("%s, %q", got.Reason, got.Error)
	}
}

func TestAReceiverWithoutTLS(t *testing.T) {
	t.Parallel()
	target := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, got := send(t, strings.Replace(target, "http://", "https://", 1))
	if got.Reason != attempt.TLS || !strings.Contains(got.Error, "does not speak TLS on this port") {
		t.Errorf("%s, %q", got.Reason, got.Error)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "our authority")
	ep := endpointAt(serveTLS(t, &tls.Config{
		Certificates: []tls.Certificate{ours.issue(t, "127.0.0.1", time.Now())},
		MinVersion:   tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
	}))
	ep.CAFile = ours.file
	_, got := newTestSender(t, Config{}).Send(t.Context(), ep, testRequest(), testLimits())
	if got.Reason != attempt.TLS || !strings.Contains(got.Error, "protocol version") {
		t.Errorf("%s, %q", got.Reason, got.Error)
	}
}

func TestARenewedCAFileTakesEffectWithTheEndpointOrAReload(t *testing.T) {
	t.Parallel()
	old, renewed := newAuthority(t, "authority"), newAuthority(t, "authority")
	ep := endpointAt(serveTLS(t, &tls.Config{Certificates: []tls.Certificate{renewed.issue(t, "127.0.0.1", time.Now())}}))
	ep.CAFile = old.file
	sender := newTestSender(t, Config{})
	expect := func(when string, want attempt.Reason) {
		t.Helper()
		if _, got := sender.Send(t.Context(), ep, testRequest(), testLimits()); got.Reason != want {
			t.Errorf("%s: %s, %q; want %s", when, got.Reason, got.Error, want)
		}
	}
	expect("the old file", attempt.TLS)
	rewritePEM(t, ep.CAFile, "CERTIFICATE", renewed.cert.Raw)
	ep.Updated = ep.Updated.Add(time.Second)
	expect("the endpoint was updated", attempt.OK)
	rewritePEM(t, ep.CAFile, "CERTIFICATE", old.cert.Raw)
	sender.Reload(nil, nil)
	expect("the old file again, reloaded", attempt.TLS)
	rewritePEM(t, ep.CAFile, "CERTIFICATE", renewed.cert.Raw)
	sender.Forget(ep.ID)
	expect("the endpoint was forgotten", attempt.OK)
}
