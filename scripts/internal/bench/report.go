package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// report is what a run has found.
type report struct {
	Date    time.Time `json:"date"`
	Command string    `json:"command"` // as a person types it
	Commit  string    `json:"commit"`
	Short   bool      `json:"short"`
	Machine machine   `json:"machine"`
	Results []result  `json:"results"`
	Wrong   []string  `json:"wrong"` // what must never be, on any machine
}

func (r *report) add(results ...result) { r.Results = append(r.Results, results...) }

func (r *report) wrong(format string, args ...any) {
	r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...))
}

// publish shows the report in all the forms that are asked for. A goal that is
// missed is no error, a wrong result is errWrong.
func (r *report) publish(stdout io.Writer, opts options) error {
	err := r.table(stdout)
	if opts.json != "" {
		err = errors.Join(err, r.save(opts.json))
	}
	if opts.markdown != "" {
		err = errors.Join(err, r.saveMarkdown(opts.markdown))
	}
	if err == nil && len(r.Wrong) > 0 {
		return errWrong
	}
	return err
}

// save writes the report as JSON.
func (r *report) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // it is for others to read
}
