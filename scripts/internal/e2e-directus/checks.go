package main

import "fmt"

func untold(_ *story, before, now tally) []string {
	if n := count(now.syncs) - count(before.syncs); n > 0 {
		return []string{fmt.Sprintf("the receiver was told of %d assets, want none", n)}
	}
	return nil
}

// coalesced wants far fewer requests than there were changes.
func coalesced(_ *story, before, now tally) []string {
	if n := count(now.syncs) - count(before.syncs); n > edits/2 {
		return []string{fmt.Sprintf("told %d times of %d changes of one file", n, edits)}
	}
	return nil
}

func deletions(want int) func(*story, tally, tally) []string {
	return func(_ *story, before, now tally) []string {
		if n := count(now.deletes) - count(before.deletes); n != want {
			return []string{fmt.Sprintf("%d deletions, want %d", n, want)}
		}
		return nil
	}
}

// created wants so many assets of which the receiver had none.
func created(want int) func(*story, tally, tally) []string {
	return func(_ *story, before, now tally) []string {
		n := 0
		for id := range now.assets {
			if _, had := before.assets[id]; !had {
				n++
			}
		}
		if n != want {
			return []string{fmt.Sprintf("%d new assets, want %d", n, want)}
		}
		return nil
	}
}
