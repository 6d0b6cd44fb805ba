package ledger

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"
)

// message is a webhook-id: msg_<ULID>_<generation>, and behind the generation of a ping
// _<what it tells>. dz gives the ULIDs' low 64 bits in rising order.
type message struct {
	seq        uint64
	generation uint64
}

func (m message) before(other message) bool {
	return m.seq < other.seq || (m.seq == other.seq && m.generation < other.generation)
}

func parseMessage(text string, ping bool) (message, error) {
	want, form := 3, "msg_<id>_<generation>"
	if ping {
		want, form = 4, form+"_<digest>"
	}
	parts := strings.Split(text, "_")
	if len(parts) != want || parts[0] != "msg" {
		return message{}, fmt.Errorf("webhook-id %q is not %s", text, form)
	}
	id, err := ulid.ParseStrict(parts[1])
	if err != nil {
		return message{}, fmt.Errorf("webhook-id %q: %w", text, err)
	}
	generation, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return message{}, fmt.Errorf("webhook-id %q: %w", text, err)
	}
	var seq uint64
	for _, b := range id[8:] {
		seq = seq<<8 | uint64(b)
	}
	return message{seq, generation}, nil
}
