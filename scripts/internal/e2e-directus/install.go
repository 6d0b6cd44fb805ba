package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// installWithin is how long npm may take: where it finds no finished ones for
// the machine, it compiles a database and an engine.
const installWithin = 30 * time.Minute

// native are the packages with parts in machine code that Directus can't do
// without; newer versions of npm run only what package.json allows.
var native = []string{"argon2", "isolated-vm", "sharp", "sqlite3"}

// install returns the program of Directus. What is installed stays in the cache
// and is used again by the same version of Node.js.
func install(ctx context.Context, opts options, stderr io.Writer) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, installWithin, errors.New("npm took too long"))
	defer cancel()
	node, err := output(ctx, "", "node", "--version")
	if err != nil {
		return "", fmt.Errorf("it needs Node.js (node and npm): %w", err)
	}
	dir := filepath.Join(opts.cache, opts.version+"-node-"+strings.TrimSpace(node))
	program := programIn(dir)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(opts.cache, 0o700); err != nil {
		return "", err
	}
	// Half an installation must not be found again.
	half, err := os.MkdirTemp(opts.cache, "half-")
	if err != nil {
		return "", err
	}
	program, err = installIn(ctx, half, dir, opts.version, stderr)
	return program, errors.Join(err, os.RemoveAll(half))
}

// installIn installs in half, and moves it to dir.
func installIn(ctx context.Context, half, dir, version string, stderr io.Writer) (string, error) {
	if err := writePackage(half, version); err != nil {
		return "", err
	}
	fmt.Fprintf(stderr, "installing Directus %s in %s; it may take ten minutes …\n", version, dir)
	if _, err := output(ctx, half, "npm", "install", "--no-audit", "--no-fund", "--omit=dev"); err != nil {
		return "", err
	}
	for _, name := range native {
		if _, err := output(ctx, half, "node", "-e", "require('"+name+"')"); err != nil {
			return "", fmt.Errorf("its part %s does not work: %w", name, err)
		}
	}
	err, program := os.Rename(half, dir), programIn(dir)
	if _, found := os.Stat(program); found == nil {
		return program, nil // somebody else may have been faster
	}
	if err == nil {
		err = errors.New("the package has no @directus/api/dist/cli/run.js")
	}
	return "", err
}

// programIn is Directus without the command around it, which asks npm's registry
// for newer versions at every start.
func programIn(dir string) string {
	return filepath.Join(dir, "node_modules", "@directus", "api", "dist", "cli", "run.js")
}

func writePackage(dir, version string) error {
	allowed := make(map[string]bool)
	for _, name := range native {
		allowed[name] = true
	}
	text, err := json.Marshal(map[string]any{
		"name": "dam", "version": "0.0.0", "private": true,
		"dependencies": map[string]string{"directus": version},
		"allowScripts": allowed,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "package.json"), text, 0o600)
}

// output runs a program to its end. The error has the end of what it said.
func output(ctx context.Context, dir, program string, args ...string) (string, error) {
	const most = 2 << 10
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // node and npm
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, &out, &said, process.EndWithin
	err := cmd.Run()
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		end := bytes.TrimSpace(said.Bytes()[max(0, said.Len()-most):])
		return "", fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, end)
	}
	return out.String(), nil
}
