package daemon

import "testing"

func TestAHubTellsThoseWhoWatch(t *testing.T) {
	t.Parallel()
	var h hub[int]
	h.tell(1)
	var first, second []int
	stopFirst := h.watch(func(n int) { first = append(first, n) })
	h.tell(2)
	stopSecond := h.watch(func(n int) { second = append(second, n) })
	h.tell(3)
	stopFirst()
	h.tell(4)
	stopSecond()
	h.tell(5)
	if len(first) != 2 || first[1] != 3 || len(second) != 2 || second[1] != 4 || h.watched() {
		t.Errorf("told %v and %v", first, second)
	}
}

// Every event and every attempt passes a hub.
func BenchmarkAHubThatNobodyWatches(b *testing.B) {
	var h hub[settlement]
	var s settlement
	for b.Loop() {
		h.tell(s)
	}
}
