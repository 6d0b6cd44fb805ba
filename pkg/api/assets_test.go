package api

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestImportSpreadsLongInputOverRequests(t *testing.T) {
	t.Parallel()
	var queries []string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		result := ImportResult{Rejected: []RejectedLine{}}
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			result.Lines++
			switch lines.Text() {
			case "bad":
				result.RejectedCount++
				result.Rejected = append(result.Rejected, RejectedLine{Line: result.Lines, Reason: "bad"})
			case "old":
				result.Older++
			case "mute":
				result.Skipped++
			default:
				result.Imported++
			}
		}
		_ = json.NewEncoder(w).Encode(result)
	})
	text := "one\nbad\nold\n" + strings.Repeat("x", 200) + "\nbad\nmute\nlast"
	var told []int
	asOf := time.Date(2026, 11, 21, 10, 0, 0, 1, time.UTC)
	got, err := client.importAssets(t.Context(), strings.NewReader(text), asOf, func(r ImportResult) { told = append(told, r.Lines) }, 9)
	if err != nil {
		t.Fatal(err)
	}
	want := ImportResult{Lines: 7, Imported: 3, Older: 1, Skipped: 1, RejectedCount: 2, Rejected: []RejectedLine{
		{Line: 2, Reason: "bad"}, {Line: 5, Reason: "bad"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{3, 4, 6, 7}, told); diff != "" {
		t.Errorf("told of so many lines (-want +got):\n%s", diff)
	}
	for _, query := range queries {
		if query != "asOf=2026-11-21T10%3A00%3A00.000000001Z" {
			t.Errorf("asked with %q", query)
		}
	}
}

func TestImportListsTheFirstRejectedLines(t *testing.T) {
	t.Parallel()
	many := make([]RejectedLine, 70)
	for i := range many {
		many[i].Line = i + 1
	}
	var total ImportResult
	for range 3 {
		total.add(ImportResult{Lines: 70, RejectedCount: 70, Rejected: many})
	}
	if len(total.Rejected) != MaxImportRejected || total.RejectedCount != 210 || total.Rejected[99].Line != 100 {
		t.Errorf("%d of %d rejected lines are listed", len(total.Rejected), total.RejectedCount)
	}
}
