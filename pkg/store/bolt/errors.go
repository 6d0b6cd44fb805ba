package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/dam-delivery/dz/pkg/store"
)

// explainOpen turns bbolt's errors into those of the contract.
func explainOpen(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w by %s: stop it first, or give this one another store.path", store.ErrLocked, lockHolder(path))
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch):
		return damaged("it is no store, or its first pages are overwritten (%w)", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: let this user write there, or give the store another store.path", err)
	default:
		return explainWrite(err)
	}
}

// explainWrite turns the errors of a write into those of the contract.
func explainWrite(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return errNoSpace()
	case errors.Is(err, bolterrors.ErrMaxSizeReached):
		return errMaxSize()
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return store.ErrClosed
	default:
		return err
	}
}

// damage is something in the file that makes no sense. It is store.ErrDamaged,
// and says the cure.
type damage struct{ problem error }

func (d damage) Error() string {
	return fmt.Sprintf("%v: %v; restore a backup, or move the file away to begin anew", store.ErrDamaged, d.problem)
}

func (d damage) Unwrap() []error { return []error{store.ErrDamaged, d.problem} }

func damaged(format string, args ...any) error { return damage{fmt.Errorf(format, args...)} }
