package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

const postCommand = "post"

// posted is what the bare client says at its end.
type posted struct {
	Seconds float64 `json:"seconds"`
}

// bare is what a run of the bare client cost.
type bare struct {
	rate float64 // things a second, which are requests unless it is said
	cpu  time.Duration
}

// bodies are what the bare client posts.
type bodies interface {
	// compose returns the body of a request, in the buffer if it is to be made.
	compose(buf []byte, request int) ([]byte, error)
	// keep does what is to be done with the answer.
	keep(request int, answer []byte) error
}

// notifications are about one item each.
type notifications struct{}

func (notifications) compose(buf []byte, item int) ([]byte, error) {
	return notification(buf, item), nil
}
func (notifications) keep(int, []byte) error { return nil }

// readyMade are bodies that are there already.
type readyMade [][]byte

func (r readyMade) compose(_ []byte, request int) ([]byte, error) { return r[request], nil }
func (readyMade) keep(int, []byte) error                          { return nil }

// post is the bare client: net/http, a number of workers that send one body
// after another, and nothing else, unless it is to keep what is answered.
func post(ctx context.Context, args []string, stdout io.Writer) (err error) {
	flags := flag.NewFlagSet(postCommand, flag.ContinueOnError)
	url := flags.String("url", "", "where to")
	count := flags.Int("count", 0, "how many notifications")
	kept := flags.String("bodies", "", "the bodies in this file, and no notifications")
	store := flags.String("store", "", "make the bodies of what is in this file, and keep the answers there")
	concurrency := flags.Int("concurrency", 1, "how many at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	what := bodies(notifications{})
	if *kept != "" {
		made, unread := readCaptured(*kept)
		if unread != nil {
			return unread
		}
		*count, what = len(made), readyMade(made)
		if *store != "" {
			k, unmade := newKeeping(*store, made)
			if unmade != nil {
				return unmade
			}
			defer func() { err = errors.Join(err, k.close()) }()
			what = k
		}
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *concurrency, DisableCompression: true}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range *concurrency {
		wg.Go(func() {
			var body []byte
			var answer bytes.Buffer
			for item := int(next.Add(1)) - 1; item < *count && ctx.Err() == nil; item = int(next.Add(1)) - 1 {
				answer.Reset()
				var err error
				if body, err = what.compose(body[:0], item); err == nil {
					err = postOne(ctx, client, *url, body, &answer)
				}
				if err == nil {
					err = what.keep(item, answer.Bytes())
				}
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return json.NewEncoder(stdout).Encode(posted{time.Since(begun).Seconds()})
}

func postOne(ctx context.Context, client *http.Client, url string, body []byte, to io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, answer.Body)
	err = errors.Join(err, answer.Body.Close())
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the receiver answered %s", answer.Status)
	}
	return err
}

// postBare runs the bare client as a process.
func (b *bench) postBare(ctx context.Context, count, concurrency int) (bare, error) {
	if err := b.sink.reset(ctx, count); err != nil {
		return bare{}, err
	}
	return b.runBare(ctx, count, "-url", b.sink.Hook, "-count", strconv.Itoa(count), "-concurrency", strconv.Itoa(concurrency))
}

// runBare runs the bare client with these arguments, which tell of so many things.
func (b *bench) runBare(ctx context.Context, count int, args ...string) (bare, error) {
	program, err := os.Executable()
	if err != nil {
		return bare{}, err
	}
	var out strings.Builder
	p, err := process.Start(ctx, process.Launch{
		Program: program, Stdout: &out, Log: b.log,
		Args: append([]string{postCommand}, args...),
	})
	if err != nil {
		return bare{}, err
	}
	if err := p.Wait(); err != nil {
		return bare{}, fmt.Errorf("bare client: %w", err)
	}
	cpu, err := p.CPU()
	if err != nil {
		return bare{}, fmt.Errorf("bare client: %w", err)
	}
	var said posted
	if err := json.Unmarshal([]byte(out.String()), &said); err != nil {
		return bare{}, fmt.Errorf("bare client: %w", err)
	}
	return bare{rate: float64(count) / said.Seconds, cpu: cpu}, nil
}
