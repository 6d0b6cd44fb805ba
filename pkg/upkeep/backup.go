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
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

// WriteBackup writes a backup to a file, and reads it again before the file gets
// its name, so that a file of that name is whole. What is there already stays,
// and is an error, unless force is set. The file is for its owner alone.
func WriteBackup(ctx context.Context, name string, force bool, fill func(io.Writer) error) (backup api.StoreBackup, err error) {
	if err := mayWrite(name, force); err != nil {
		return backup, err
	}
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
	if err := publish(temp.Name(), name, force); err != nil {
		return backup, err
	}
	return api.StoreBackup{File: name, Size: found.Size, Format: found.Format, StoreContents: contents(found.Contents)}, nil
}

// mayWrite refuses a name under which there is something already.
func mayWrite(name string, force bool) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return explain(fmt.Errorf("write backup: %w", err), "")
	case !info.Mode().IsRegular():
		return &api.Error{Code: api.CodeInvalid, Message: name + " is no file", Hint: "name a file, or - for stdout"}
	case !force:
		return &api.Error{Code: api.CodeConflict, Message: name + " exists already", Hint: "choose another name, or replace it with --force"}
	default:
		return nil
	}
}

// publish gives a file that is whole its name.
func publish(temp, name string, force bool) error {
	if !force {
		// Link, unlike rename, does not replace what was made in the meantime.
		err := os.Link(temp, name)
		if err == nil {
			return syncDir(name)
		}
		// Not every file system has links.
		if err := mayWrite(name, force); err != nil {
			return err
		}
	}
	if err := os.Rename(temp, name); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return syncDir(name)
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
