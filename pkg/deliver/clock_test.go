package deliver

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The clock is years behind the system's and stands still.
func TestTimesAreToldByTheSendersClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2016, 11, 21, 10, 0, 0, 0, time.UTC)
	var stamp, after string
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		stamp = r.Header.Get("Webhook-Timestamp")
		w.Header().Set("Retry-After", after)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	sender := newTestSender(t, Config{Now: func() time.Time { return now }})
	for _, c := range []struct {
		after string
		want  time.Time
	}{
		{now.Add(10 * time.Minute).Format(http.TimeFormat), now.Add(10 * time.Minute)},
		{"600", now.Add(10 * time.Minute)},
		{now.Add(-time.Minute).Format(http.TimeFormat), time.Time{}},
		{time.Now().UTC().Add(time.Minute).Format(http.TimeFormat), now.Add(maxRetryAfter)},
	} {
		after = c.after
		_, got := sender.Send(t.Context(), endpointAt(target), testRequest(), testLimits())
		if !got.NotBefore.Equal(c.want) {
			t.Errorf("Retry-After %s: not before %s, want %s", after, got.NotBefore, c.want)
		}
		if !got.Started.Equal(now) || stamp != strconv.FormatInt(now.Unix(), 10) {
			t.Errorf("started %s, stamped %s; want %s", got.Started, stamp, now)
		}
	}
}

func TestAClockThatIsSetDoesNotChangeHowLongAnAttemptTakes(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"forth": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var ahead atomic.Int64
				clock := func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) } // without a monotonic reading
				started := clock()
				sender := newTestSender(t, Config{Now: clock, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
					ahead.Store(int64(jump))
					return lose(ctx, network, address)
				}})
				_, got := sender.Send(t.Context(), endpointAt("http://shop.example/"), testRequest(), testLimits())
				if got.Duration != 5*time.Second || !got.Started.Equal(started) {
					t.Errorf("started %s, took %s; want %s, 5s", got.Started, got.Duration, started)
				}
			})
		})
	}
}
