package rawjson

import (
	"bytes"
	"slices"
	"sync"
)

// AppendCanonical appends a form of the JSON value text that is the same for
// all texts that differ in nothing but the order of members, white space, and
// escapes in strings. It is JSON without white space, with members sorted by
// name at every depth (those of one name stay in their order), and numbers as
// written.
//
// Members are left out where leaveOut, if it is not nil, says so of the names
// that lead to them, from the outermost object's on, and of their value as it is
// written; arrays have no names. Neither is to be kept.
func AppendCanonical(dst, text []byte, leaveOut func(path [][]byte, value Value) bool) ([]byte, error) {
	c, ok := canonicals.Get().(*canonical)
	if !ok {
		c = new(canonical)
	}
	defer c.release()
	c.scanner = scanner{text: text}
	c.leaveOut = leaveOut
	c.space()
	if err := c.index(quoted{}); err != nil {
		return dst, err
	}
	if err := c.ends(); err != nil {
		return dst, err
	}
	return c.emit(dst, 0), nil
}

// node is a value of the text. The nodes of a text are in its order, so that
// those of what a value holds follow it. They point nowhere, and so need not be
// cleared.
type node struct {
	name       quoted // if it is a member
	decoded    int    // where among the decoded names, if it is written with escapes
	begin, end int    // of the value in the text
	next       int    // the node after all that the value holds
}

// canonical is the work of one call.
type canonical struct {
	scanner
	nodes    []node
	decoded  [][]byte // those of names that are written with escapes
	order    []int    // stack of the children of the objects under way, sorted
	path     [][]byte
	leaveOut func(path [][]byte, value Value) bool
}

var canonicals sync.Pool // of *canonical

// maxPooled bounds the nodes kept for the next call.
const maxPooled = 1 << 12

func (c *canonical) release() {
	if cap(c.nodes) > maxPooled {
		return
	}
	clear(c.decoded)
	clear(c.path[:cap(c.path)]) // names are parts of the caller's text
	*c = canonical{nodes: c.nodes[:0], decoded: c.decoded[:0], order: c.order[:0], path: c.path[:0]}
	canonicals.Put(c)
}

// index notes the nodes of the value that begins here, which may be the member of that
// name.
func (c *canonical) index(name quoted) error {
	self := len(c.nodes)
	c.nodes = append(c.nodes, node{name: name, decoded: len(c.decoded), begin: c.at})
	if name.escaped {
		c.decoded = append(c.decoded, c.name(name))
	}
	var err error
	switch {
	case c.takes('{'):
		err = c.object(c.index)
	case c.takes('['):
		err = c.array(func() error { return c.index(quoted{}) })
	default:
		err = c.value()
	}
	c.nodes[self].end, c.nodes[self].next = c.at, len(c.nodes)
	return err
}

// nameOf returns the decoded name of a member.
func (c *canonical) nameOf(member int) []byte {
	n := &c.nodes[member]
	if n.name.escaped {
		return c.decoded[n.decoded]
	}
	return c.text[n.name.begin+1 : n.name.end-1]
}

// emit appends the canonical form of a node.
func (c *canonical) emit(dst []byte, at int) []byte {
	n := &c.nodes[at]
	switch value := Value(c.text[n.begin:n.end]); value[0] {
	case '{':
		return c.emitMembers(dst, at)
	case '[':
		dst = append(dst, '[')
		for child := at + 1; child < n.next; child = c.nodes[child].next {
			if child > at+1 {
				dst = append(dst, ',')
			}
			dst = c.emit(dst, child)
		}
		return append(dst, ']')
	case '"':
		if bytes.IndexByte(value, '\\') < 0 {
			return append(dst, value...)
		}
		text, _ := value.String()
		return AppendString(dst, text)
	default:
		return append(dst, value...)
	}
}

func (c *canonical) emitMembers(dst []byte, at int) []byte {
	bottom, end := len(c.order), c.nodes[at].next
	sorted := true
	var last []byte
	for child := at + 1; child < end; child = c.nodes[child].next {
		name := c.nameOf(child)
		if c.leaveOut != nil {
			c.path = append(c.path, name)
			out := c.leaveOut(c.path, Value(c.text[c.nodes[child].begin:c.nodes[child].end]))
			if c.path = c.path[:len(c.path)-1]; out {
				continue
			}
		}
		sorted = sorted && bytes.Compare(last, name) <= 0
		last = name
		c.order = append(c.order, child)
	}
	top := len(c.order)
	if !sorted {
		slices.SortStableFunc(c.order[bottom:top], func(a, b int) int { return bytes.Compare(c.nameOf(a), c.nameOf(b)) })
	}
	dst = append(dst, '{')
	for i := bottom; i < top; i++ {
		child := c.order[i]
		if i > bottom {
			dst = append(dst, ',')
		}
		name := c.nameOf(child)
		if q := c.nodes[child].name; q.escaped {
			dst = AppendString(dst, name)
		} else {
			dst = append(dst, c.text[q.begin:q.end]...)
		}
		dst = append(dst, ':')
		c.path = append(c.path, name)
		dst = c.emit(dst, child)
		c.path = c.path[:len(c.path)-1]
	}
	c.order = c.order[:bottom]
	return append(dst, '}')
}
