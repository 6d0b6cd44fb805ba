package admin

import (
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
)

// Access is what a peer may do; each includes the one before.
type Access uint8

// The accesses.
const (
	NoAccess Access = iota
	ReadAccess
	WriteAccess
)

// Group is a group of the system.
type Group struct {
	Name string
	GID  uint32
}

// LookupGroup finds a group by its name or number; "" is no group.
func LookupGroup(name string) (*Group, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // no group is configured, which is no error
	}
	found, err := user.LookupGroup(name)
	if err != nil {
		var unknown user.UnknownGroupError
		if !errors.As(err, &unknown) {
			return nil, fmt.Errorf("look up group %s: %w", name, err)
		}
		if _, notNumber := strconv.ParseUint(name, 10, 32); notNumber != nil {
			return nil, fmt.Errorf("group %s does not exist: create it with 'groupadd --system %s' or leave it out of the socket's configuration", name, name)
		}
		found = &user.Group{Name: name, Gid: name}
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("look up group %s: its id is %q, not a number", name, found.Gid)
	}
	return &Group{Name: found.Name, GID: uint32(gid)}, nil
}

// Policy says who may use the socket. The daemon's own user and root may write.
type Policy struct {
	Owner uint32 // the daemon's user
	Group *Group // its members may write; nil for none
	View  *Group // its members may read; nil for none
}

// access decides what a peer may do. groups are those of the user in the user
// database. A peer is a member of a group if its process is, which is what the
// kernel goes by for files, or if the database says so: then who was added to a
// group need not log in anew. The price is that a process that gave up a group
// of its user is let in all the same.
func (p Policy) access(peer Peer, groups []uint32) Access {
	member := func(g *Group) bool {
		return g != nil && (peer.GID == g.GID || slices.Contains(peer.Groups, g.GID) || slices.Contains(groups, g.GID))
	}
	switch {
	case peer.UID == 0, peer.UID == p.Owner, member(p.Group):
		return WriteAccess
	case member(p.View):
		return ReadAccess
	default:
		return NoAccess
	}
}

// needsGroups reports whether the user's groups in the user database could give
// the peer more than it has without them.
func (p Policy) needsGroups(peer Peer) bool {
	return (p.Group != nil || p.View != nil) && p.access(peer, nil) != WriteAccess
}

// denial says who would be let in.
func (p Policy) denial(wanted Access) *api.Error {
	who := []string{"the daemon's user", "root"}
	if p.Group != nil {
		who = append(who, "members of group "+p.Group.Name)
	}
	verb := "change"
	if wanted == ReadAccess {
		verb = "see"
		if p.View != nil {
			who = append(who, "members of group "+p.View.Name)
		}
	}
	hint := strings.Join(who[:len(who)-1], ", ") + " and " + who[len(who)-1] + " may"
	if p.Group == nil {
		hint += "; socket.group lets others in"
	}
	return &api.Error{
		Code:    api.CodeForbidden,
		Message: fmt.Sprintf("you are not allowed to %s this", verb),
		Hint:    hint,
	}
}
