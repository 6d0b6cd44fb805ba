package listen

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Script says how requests are answered one after the other. It is written an
// answer a line:
//
//	# what begins with # is passed over
//	200                     an HTTP status
//	503 retry-after=30      with Retry-After, in seconds
//	delay=2s 200            after a while
//	close                   the connection is broken off
//	200 body=@answer.json   with a body, from a file
//	500 * 3                 three times
//	loop                    from the beginning; without it the last line repeats
//
// What is left out is 200, or 503 with a Retry-After.
type Script struct {
	steps []step
	total uint64 // answers, each as often as it is repeated
	loop  bool
}

// step is an answer and how often it is given.
type step struct {
	reply
	times uint64
}

// maxTimes bounds how often one line of a script is repeated.
const maxTimes = 1 << 32

// ScriptError is what is wrong with a script, and where.
type ScriptError struct {
	File string
	Line int
	Err  error
}

// Error returns "FILE:LINE: what is wrong".
func (e *ScriptError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *ScriptError) Unwrap() error { return e.Err }

// allowed says what a line may hold.
const allowed = "a line holds a status (200 to 599) or close, delay=TIME, retry-after=SECONDS, body=@FILE and * TIMES, or loop alone"

// ParseScript reads a script. name is its file's, for errors; read returns the
// content of a file that it names. What is wrong with a line is a *ScriptError.
func ParseScript(name string, r io.Reader, read func(name string) ([]byte, error)) (*Script, error) {
	s := &Script{}
	lines := bufio.NewScanner(r)
	number := 0
	for lines.Scan() {
		number++
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if err := s.add(words, read); err != nil {
			return nil, &ScriptError{name, number, err}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	if len(s.steps) == 0 {
		return nil, &ScriptError{name, max(number, 1), errors.New("there is no answer in it: " + allowed)}
	}
	return s, nil
}

// add adds a line.
func (s *Script) add(words []string, read func(string) ([]byte, error)) error {
	if s.loop {
		return errors.New("nothing is reached after loop")
	}
	if len(words) == 1 && words[0] == "loop" {
		if s.loop = true; len(s.steps) == 0 {
			return errors.New("there is nothing before loop")
		}
		return nil
	}
	next := step{times: 1}
	if n := len(words) - 2; n >= 0 && words[n] == "*" {
		times, err := strconv.ParseUint(words[n+1], 10, 64)
		if err != nil || times < 1 || times > maxTimes {
			return fmt.Errorf("* %.40s: an answer is repeated 1 to %d times", words[n+1], uint64(maxTimes))
		}
		next.times, words = times, words[:n]
	}
	var c scripted
	for _, word := range words {
		if err := c.take(word, read); err != nil {
			return err
		}
	}
	var err error
	if next.reply, err = c.finish(); err != nil {
		return err
	}
	if len(words) == 0 {
		return fmt.Errorf("there is no answer before *: %s", allowed)
	}
	s.steps = append(s.steps, next)
	s.total += next.times
	return nil
}

// scripted is an answer as a line is read.
type scripted struct {
	reply
	closes bool
	given  map[string]bool
}

// take reads one word.
func (c *scripted) take(word string, read func(string) ([]byte, error)) error {
	name, value, hasValue := strings.Cut(word, "=")
	status, statusErr := strconv.Atoi(word)
	if statusErr == nil {
		name = "status"
	}
	if c.given[name] {
		return fmt.Errorf("%.40s is given twice", name)
	}
	if c.given == nil {
		c.given = make(map[string]bool)
	}
	c.given[name] = true
	switch {
	case name == "status":
		if status < 200 || status > 599 {
			return fmt.Errorf("status %d is not between 200 and 599", status)
		}
		c.status = status
	case word == "close":
		c.closes = true
	case name == "delay" && hasValue:
		delay, err := time.ParseDuration(value)
		if err != nil || delay < 0 {
			return fmt.Errorf("delay=%.40s: write a time such as 2s or 500ms", value)
		}
		c.delay = delay
	case name == "retry-after" && hasValue:
		seconds, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return fmt.Errorf("retry-after=%.40s: write whole seconds", value)
		}
		c.retryAfter, c.retries = time.Duration(seconds)*time.Second, true
	case name == "body" && strings.HasPrefix(value, "@") && len(value) > 1:
		body, err := read(value[1:])
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
		c.body = body
	default:
		return fmt.Errorf("%.40q is no answer: %s", word, allowed)
	}
	return nil
}

// finish returns the answer of a line that was read.
func (c *scripted) finish() (reply, error) {
	switch {
	case c.closes && (c.status != 0 || c.retries || c.body != nil):
		return reply{}, errors.New("a connection that is broken off has no status, Retry-After or body")
	case c.closes, c.status != 0:
	case c.retries:
		c.status = http.StatusServiceUnavailable
	default:
		c.status = http.StatusOK
	}
	c.fails = c.status == 0 || c.status >= http.StatusMultipleChoices
	return c.reply, nil
}

// to returns the answer to the n-th request, n ≥ 1.
func (s *Script) to(n uint64) reply {
	left := n - 1
	if s.loop {
		left %= s.total
	}
	for _, step := range s.steps {
		if left < step.times {
			return step.reply
		}
		left -= step.times
	}
	return s.steps[len(s.steps)-1].reply
}
