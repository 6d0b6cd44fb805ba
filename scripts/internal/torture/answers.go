package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// takeAtOnce answers 200.
func takeAtOnce(_ http.ResponseWriter, _ *http.Request, take func()) { take() }

// status answers with a status that is no success.
func status(code int) answer {
	return func(w http.ResponseWriter, _ *http.Request, _ func()) { w.WriteHeader(code) }
}

// leaveAlone is how long receivers that ask for it want to be left alone.
const leaveAlone = 5 * time.Second

// statusFor answers with a status and asks to be left alone, in seconds or with
// a date.
func statusFor(code int, asDate bool) answer {
	return func(w http.ResponseWriter, _ *http.Request, _ func()) {
		value := strconv.Itoa(int(leaveAlone.Seconds()))
		if asDate {
			value = time.Now().Add(leaveAlone).UTC().Format(http.TimeFormat)
		}
		w.Header().Set("Retry-After", value)
		w.WriteHeader(code)
	}
}

// redirect answers that the way to go is the metadata service of a cloud.
func redirect(w http.ResponseWriter, _ *http.Request, _ func()) {
	w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// hang never answers.
func hang(_ http.ResponseWriter, request *http.Request, _ func()) { <-request.Context().Done() }

// closeAtOnce closes the connection without an answer.
func closeAtOnce(http.ResponseWriter, *http.Request, func()) { panic(http.ErrAbortHandler) }

// closeWithin closes the connection in the middle of a 200's body.
func closeWithin(w http.ResponseWriter, _ *http.Request, _ func()) {
	w.Header().Set("Content-Length", strconv.Itoa(1000))
	fmt.Fprint(w, "half an ans")
	_ = http.NewResponseController(w).Flush() // the connection is closed anyway
	panic(http.ErrAbortHandler)
}

// slowDrip sends a body of a 200 byte by byte, and never ends.
func slowDrip(w http.ResponseWriter, request *http.Request, _ func()) {
	for {
		if _, err := io.WriteString(w, "."); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		if err := process.Pause(request.Context(), 50*time.Millisecond); err != nil {
			return
		}
	}
}

// endless sends a body of a 200 as fast as it can, and never ends. dz reads only
// so much of it and takes it for a success: the status has said it.
func endless(w http.ResponseWriter, _ *http.Request, take func()) {
	take()
	page := make([]byte, 64<<10)
	for {
		if _, err := w.Write(page); err != nil {
			return
		}
	}
}
