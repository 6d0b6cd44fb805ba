package upkeep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/seal"
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

// Target is the file that a backup is written to.
type Target struct {
	Name string
	// Force replaces what is there already, which is an error without. A store that
	// is in use and a key are never replaced, whatever name or link leads to them.
	Force bool
	// Spare are files that are not replaced either: stores that may not be in use.
	Spare []string
}

// WriteBackup writes a backup to a file, and reads it again before the file gets
// its name, so that a file of that name is whole. It is for its owner alone.
func WriteBackup(ctx context.Context, target Target, fill func(io.Writer) error) (backup api.StoreBackup, err error) {
	if err := target.mayWrite(); err != nil {
		return backup, err
	}
	name := target.Name
	dir := filepath.Dir(name)
	temp, err := os.CreateTemp(dir, "."+filepath.Base(name)+".part-*")
	if errors.Is(err, fs.ErrNotExist) {
		return backup, &api.Error{Code: api.CodeNotFound, Message: "there is no folder " + dir + " to write the backup to"}
	}
	if err != nil {
		return backup, explain(fmt.Errorf("write backup: %w", err), "")
	}
	defer func() {
		if remove := os.Remove(temp.Name()); !errors.Is(remove, fs.ErrNotExist) {
			err = errors.Join(err, remove)
		}
	}()
	err = fill(temp)
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return backup, err
	}
	found, err := bolt.InspectFile(ctx, temp.Name())
	if err != nil {
		return backup, fmt.Errorf("the backup is not sound, and is thrown away: %w", err)
	}
	if err := target.publish(temp.Name()); err != nil {
		return backup, err
	}
	return api.StoreBackup{File: name, Size: found.Size, Format: found.Format, StoreContents: contents(found.Contents)}, nil
}

// mayWrite refuses a name under which there is something that is to stay.
func (t Target) mayWrite() error {
	info, err := os.Stat(t.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return explain(fmt.Errorf("write backup: %w", err), "")
	case !info.Mode().IsRegular():
		return &api.Error{Code: api.CodeInvalid, Message: t.Name + " is no file", Hint: "name a file, or - for stdout"}
	case !t.Force:
		return &api.Error{Code: api.CodeConflict, Message: t.Name + " exists already", Hint: "choose another name, or replace it with --force"}
	default:
		return t.mayReplace(info)
	}
}

// mayReplace refuses what would be lost with the file that is there.
func (t Target) mayReplace(there fs.FileInfo) error {
	never := func(what string) error {
		return &api.Error{Code: api.CodeInvalid, Message: t.Name + " is " + what + ", which no backup replaces", Hint: "choose another name"}
	}
	for _, name := range t.Spare {
		if info, err := os.Stat(name); err == nil && os.SameFile(there, info) {
			return never("the store itself")
		}
	}
	inUse, err := bolt.InUse(t.Name)
	switch {
	case err != nil:
		return explain(fmt.Errorf("write backup: %w", err), "")
	case inUse:
		return never("a store in use")
	case seal.IsKeyFile(t.Name):
		return never("the key of a store's secrets")
	default:
		return nil
	}
}

// publish gives a file that is whole the name of the target.
func (t Target) publish(temp string) error {
	if !t.Force {
		// Link, unlike rename, does not replace what was made in the meantime.
		if err := os.Link(temp, t.Name); err == nil {
			return syncDir(t.Name)
		}
		// Not every file system has links.
	}
	// What is there now may not have been there when the backup was begun.
	if err := t.mayWrite(); err != nil {
		return err
	}
	if err := os.Rename(temp, t.Name); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return syncDir(t.Name)
}

// syncDir flushes the folder of a file.
func syncDir(name string) error {
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}
