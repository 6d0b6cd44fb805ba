package daemon

import "sync"

const (
	// maxBacklog bounds what waits for a slow consumer of a stream, in bytes.
	maxBacklog = 16 << 20
	// perItem is what an item takes beside what it holds, roughly, in bytes.
	perItem = 512
)

// backlog is what has yet to be told to the consumer of a stream. It never waits
// for the consumer: what does not fit pushes out what is oldest, which is
// counted.
type backlog[T any] struct {
	more chan struct{} // told that there is something

	mu    sync.Mutex
	items []sized[T] // the oldest first
	bytes int
	lost  uint64 // since the last take
}

type sized[T any] struct {
	item T
	size int
}

func newBacklog[T any]() *backlog[T] { return &backlog[T]{more: make(chan struct{}, 1)} }

// put adds an item that holds so many bytes. The newest one always stays,
// however large it is.
func (b *backlog[T]) put(item T, size int) {
	size += perItem
	b.mu.Lock()
	b.items = append(b.items, sized[T]{item, size})
	b.bytes += size
	for b.bytes > maxBacklog && len(b.items) > 1 {
		b.bytes -= b.items[0].size
		b.items[0] = sized[T]{} // its memory need not wait for the slice's
		b.items = b.items[1:]
		b.lost++
	}
	b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default: // it has been told
	}
}

// take returns what is there, the oldest first, and how many before that were
// pushed out.
func (b *backlog[T]) take() (items []sized[T], lost uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	items, lost = b.items, b.lost
	b.items, b.bytes, b.lost = nil, 0, 0
	return items, lost
}
