package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// zoo holds the receivers that are not the rig's own: those that speak TLS, an
// older HTTP, or none.
type zoo struct {
	dir     string
	ca      *authority
	closers []func() error
	group   sync.WaitGroup

	mu     sync.Mutex
	protos map[string]bool // that requests came by
}

func newZoo(dir string) (*zoo, error) {
	ca, err := newAuthority(filepath.Join(dir, "ca.pem"))
	return &zoo{dir: dir, ca: ca, protos: make(map[string]bool)}, err
}

func (z *zoo) close() error {
	var errs []error
	for _, closer := range slices.Backward(z.closers) { // a server closes its listener itself
		errs = append(errs, closer())
	}
	z.group.Wait()
	return errors.Join(errs...)
}

func (z *zoo) listen(ctx context.Context) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err == nil {
		z.closers = append(z.closers, func() error {
			if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		})
	}
	return listener, err
}

// serveTLS starts a receiver with a certificate for a name (its address, with
// none) that ends at a time, and returns its URL.
func (z *zoo) serveTLS(ctx context.Context, name string, until time.Time, in func() *inbox) (string, error) {
	certificate, err := z.ca.issue(name, until)
	if err != nil {
		return "", err
	}
	listener, err := z.listen(ctx)
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			z.mu.Lock()
			z.protos[request.Proto] = true
			z.mu.Unlock()
			in().serve(w, request, func(context.Context, point) {})
		}),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // handshakes are meant to fail
	}
	z.closers = append(z.closers, server.Close)
	z.group.Go(func() { _ = server.ServeTLS(listener, "", "") }) // it ends with Close
	return "https://" + listener.Addr().String() + "/", nil
}

// serveRaw starts a receiver of which every connection is handled so, and
// returns its URL.
func (z *zoo) serveRaw(ctx context.Context, handle func(net.Conn)) (string, error) {
	listener, err := z.listen(ctx)
	if err != nil {
		return "", err
	}
	z.group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			z.group.Go(func() {
				if conn.SetDeadline(time.Now().Add(10*time.Second)) == nil {
					handle(conn)
				}
				_ = conn.Close() // what dz makes of it is what counts
			})
		}
	})
	return "http://" + listener.Addr().String() + "/", nil
}

// http10 answers one request a connection, in HTTP/1.0, the body up to its end.
func http10(in func() *inbox) func(net.Conn) {
	return func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		n, err := readNotification(request, in().account)
		if err != nil {
			return
		}
		visit := in().account.Begin(n)
		visit.Take()
		visit.End()
		fmt.Fprint(conn, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nthank you")
	}
}

// noHTTP answers with something else.
func noHTTP(conn net.Conn) {
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		fmt.Fprint(conn, "220 mail.example.com ESMTP\r\n")
	}
}

// nobody returns a URL at which nobody listens.
func (z *zoo) nobody(ctx context.Context) (string, error) {
	listener, err := z.listen(ctx)
	if err != nil {
		return "", err
	}
	return "http://" + listener.Addr().String() + "/", listener.Close()
}
