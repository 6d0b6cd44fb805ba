package admin

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"sync"
	"time"
)

const (
	// groupsAge is how long a user's groups are remembered, so that a change
	// of membership is soon seen and a busy client costs no lookup a request.
	groupsAge = 10 * time.Second
	// maxGroupUsers bounds how many users are remembered.
	maxGroupUsers = 256
)

// groupCache knows the groups of users in the user database for a short while.
type groupCache struct {
	lookup func(uid uint32) ([]uint32, error)

	mu    sync.Mutex
	users map[uint32]groupEntry
}

type groupEntry struct {
	groups []uint32
	until  time.Time
}

func newGroupCache(lookup func(uid uint32) ([]uint32, error)) *groupCache {
	return &groupCache{lookup: lookup, users: make(map[uint32]groupEntry)}
}

// groups returns the groups of a user. A failure is not remembered.
func (c *groupCache) groups(uid uint32, now time.Time) ([]uint32, error) {
	c.mu.Lock()
	entry, ok := c.users[uid]
	c.mu.Unlock()
	if ok && now.Before(entry.until) {
		return entry.groups, nil
	}
	// Not under the lock: a directory service may take long over one user.
	groups, err := c.lookup(uid)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.users) >= maxGroupUsers {
		clear(c.users)
	}
	c.users[uid] = groupEntry{groups: groups, until: now.Add(groupsAge)}
	return groups, nil
}

// lookupGroups asks the system for the groups of a user. One that the user
// database does not know (of a container, for example) has none there, and may
// still be a member by its process.
func lookupGroups(uid uint32) ([]uint32, error) {
	found, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	var unknown user.UnknownUserIdError
	if errors.As(err, &unknown) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up user %d: %w", uid, err)
	}
	texts, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("look up groups of user %s: %w", found.Username, err)
	}
	groups := make([]uint32, 0, len(texts))
	for _, text := range texts {
		gid, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("look up groups of user %s: %q is no number", found.Username, text)
		}
		groups = append(groups, uint32(gid))
	}
	return groups, nil
}
