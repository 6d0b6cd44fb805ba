package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

const (
	// bootWithin is how long Directus may take to make its database, and to start.
	bootWithin = 2 * time.Minute
	lookEvery  = 50 * time.Millisecond
)

// server is a Directus that runs.
type server struct {
	*process.Process
	url   string
	token string // of its administrator
	log   *os.File
}

// startServer makes a Directus with an empty database in dir, and starts it.
func startServer(ctx context.Context, program, dir string) (s *server, err error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "uploads"), 0o700); err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, "extensions"), 0o700); err != nil {
		return nil, err
	}
	// It looks there for extensions.
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"name":"dam"}`), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	s = &server{url: "http://127.0.0.1:" + port, token: rand.Text(), log: log}
	launch := process.Launch{Program: "node", Dir: dir, Log: log, Extra: s.environment(dir, port)}
	defer func() {
		if err != nil {
			err = errors.Join(err, log.Close())
		}
	}()
	launch.Args = []string{program, "bootstrap"}
	boot, err := process.Start(ctx, launch)
	if err != nil {
		return nil, err
	}
	if err := boot.Wait(); err != nil {
		return nil, fmt.Errorf("make Directus' database: %w", err)
	}
	launch.Args = []string{program, "start"}
	if s.Process, err = process.Start(context.WithoutCancel(ctx), launch); err != nil {
		return nil, err
	}
	err = process.Until(ctx, lookEvery, bootWithin, "Directus answers", func() (bool, error) {
		return s.answers(ctx), s.Alive()
	})
	if err != nil {
		return nil, errors.Join(err, s.Terminate())
	}
	return s, nil
}

func (s *server) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/server/ping", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// environment is Directus' whole configuration.
func (s *server) environment(dir, port string) []string {
	return []string{
		"NODE_ENV=production", "HOST=127.0.0.1", "PORT=" + port, "PUBLIC_URL=" + s.url,
		"CONFIG_PATH=" + filepath.Join(dir, "no-such.env"),
		"KEY=" + rand.Text(), "SECRET=" + rand.Text(),
		"DB_CLIENT=sqlite3", "DB_FILENAME=" + filepath.Join(dir, "directus.db"),
		"STORAGE_LOCATIONS=local", "STORAGE_LOCAL_ROOT=" + filepath.Join(dir, "uploads"),
		"EXTENSIONS_PATH=" + filepath.Join(dir, "extensions"),
		"ADMIN_EMAIL=admin@example.com", "ADMIN_PASSWORD=" + rand.Text(), "ADMIN_TOKEN=" + s.token,
		"TELEMETRY=false", "LOG_LEVEL=warn", "WEBSOCKETS_ENABLED=false", "CACHE_ENABLED=false",
		// A Flow may speak to loopback, and a busy machine is no reason to refuse.
		"IMPORT_IP_DENY_LIST=", "PRESSURE_LIMITER_ENABLED=false",
	}
}

// close ends Directus, which does not mind being ended by a signal.
func (s *server) close() error {
	err := s.Terminate()
	if s.EndedBy() == syscall.SIGTERM {
		err = nil
	}
	return errors.Join(err, s.log.Close())
}

func freePort(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}
