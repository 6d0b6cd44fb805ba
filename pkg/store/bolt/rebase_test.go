package bolt

import (
	"path/filepath"
	"testing"
	"time"
)

// Changes that may have been told before a restore leave a debt that says so: those of
// the time before it, whatever the DAM's clock says.
func TestWhatMayHaveBeenToldBeforeARestoreIsOwedAsThat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		made     time.Duration // after the restore, by the event
		timeless bool          // the event does not say
		comes    time.Duration // in, after the restore
		restored bool
		want     bool
	}{
		{"made long before", -1000 * time.Hour, false, time.Minute, true, true},
		{"made before, and read late", -time.Hour, false, 1000 * time.Hour, true, true},
		{"made by a clock that is ahead", 23 * time.Hour, false, time.Minute, true, true},
		{"made after", 25 * time.Hour, false, 25 * time.Hour, true, false},
		{"made at some time, and read soon", 0, true, 23 * time.Hour, true, true},
		{"made at some time, and read late", 0, true, 25 * time.Hour, true, false},
		{"in a store that is from no backup", -time.Hour, false, time.Minute, false, false},
	} {
		dir := memoryDir(t)
		path, backup := filepath.Join(dir, "dz.db"), filepath.Join(dir, "backup")
		owing(t, backup, 1, 0)
		if !tt.restored {
			path = backup
		} else if _, err := Restore(t.Context(), backup, path, noonOfBackup()); err != nil {
			t.Fatal(err)
		}
		db := mustOpen(t, path)
		id, revision := addEndpoint(t, db, "pim")
		in := batch(id, revision, noonOfBackup().Add(tt.comes), 0, 7)
		in.Events[0].Time = noonOfBackup().Add(tt.made)
		if tt.timeless {
			in.Events[0].Time = time.Time{}
		}
		mustIngest(t, db, in)
		again := batch(id, revision, noonOfBackup().Add(max(tt.comes, 48*time.Hour)), 0, 7)
		mustIngest(t, db, again)
		if got, err := db.Debt(t.Context(), id, keyOf(7)); err != nil || got.Restored != tt.want || got.Unclear {
			t.Errorf("%s: restored is %v, unclear is %v, %v", tt.name, got.Restored, got.Unclear, err)
		}
	}
}

// What was owed at the backup may have been told since.
func TestWhatWasOwedAtABackupIsRestored(t *testing.T) {
	t.Parallel()
	dir := memoryDir(t)
	path, backup := filepath.Join(dir, "dz.db"), filepath.Join(dir, "backup")
	owing(t, backup, rebasePage+5, 0)
	if _, err := Restore(t.Context(), backup, path, noonOfBackup()); err != nil {
		t.Fatal(err)
	}
	db := mustOpen(t, path)
	list, err := db.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	debts := claim(t, db, list.List[0].ID, noonOfBackup().Add(time.Hour), rebasePage+10)
	asTheyWere := 0
	for _, d := range debts {
		if !d.Restored || d.Generation <= generationLead {
			asTheyWere++
		}
	}
	if len(debts) != rebasePage+5 || asTheyWere > 0 {
		t.Errorf("%d debts, of which %d are as they were", len(debts), asTheyWere)
	}
}
