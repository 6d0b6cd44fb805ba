package endpoint

import (
	"fmt"
	"slices"
	"strconv"
)

// A group is what endpoints are that were added together, of one name, with a
// URL each. They are endpoints of their own, with their own debts and health;
// where several may be meant, the group's name stands for them. So names of
// groups and of endpoints are of one kind, and none is given twice.

// MemberName returns the name of the n-th endpoint of a group, counted from 1.
func MemberName(group string, n int) string { return group + "-" + strconv.Itoa(n) }

// CheckGroup reports what is wrong with the URLs of a new group, beyond what is
// wrong with each of them.
func CheckGroup(name string, urls []string) error {
	if err := checkGroup(name); err != nil {
		return err
	}
	if len(urls) == 0 {
		return fmt.Errorf("endpoint group %s has no URL", name)
	}
	for i, url := range urls {
		if slices.Contains(urls[:i], url) {
			return fmt.Errorf("url %q is given twice: each endpoint of a group has one of its own", RedactURL(url))
		}
	}
	return nil
}

// checkGroup reports what is wrong with the name of an endpoint's group, which
// it need not have.
func checkGroup(name string) error {
	if name == "" {
		return nil
	}
	return CheckName(name)
}
