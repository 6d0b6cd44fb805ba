package deliver

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// BenchmarkSend posts by turns with a sender and with a bare http.Client to the
// same receiver, and reports the sender's rate as a part of the client's. An
// operation is one request of each.
func BenchmarkSend(b *testing.B) {
	target := serve(b, func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	sender := newTestSender(b, Config{})
	ep := endpointAt(target)
	client := &http.Client{Transport: &http.Transport{}}
	b.Cleanup(client.CloseIdleConnections)
	var sent, posted time.Duration
	for b.Loop() {
		_, outcome := sender.Send(b.Context(), ep, testRequest(), testLimits())
		if outcome.Verdict != attempt.Delivered {
			b.Fatal(outcome.Error)
		}
		sent += outcome.Duration

		started := time.Now()
		response, err := client.Post(target, "application/json", bytes.NewReader([]byte(testBody)))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		posted += time.Since(started)
	}
	b.ReportMetric(float64(posted)/float64(sent), "of-bare-rate")
	b.ReportMetric(float64(sent.Nanoseconds())/float64(b.N), "ns/send")
	b.ReportMetric(float64(posted.Nanoseconds())/float64(b.N), "ns/bare")
}
