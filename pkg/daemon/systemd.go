package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// systemd tells the service manager how the daemon is, if there is one
// (sd_notify(3)). Without one it does nothing.
type systemd struct {
	log  *slog.Logger
	stop context.CancelFunc
	done sync.WaitGroup
}

// startSystemd begins to answer the watchdog, as long as the daemon is alive.
func startSystemd(log *slog.Logger, alive func(context.Context) error) *systemd {
	ctx, cancel := context.WithCancel(context.Background())
	s := &systemd{log: log, stop: cancel}
	interval, err := sd.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the watchdog's interval can't be read; it is not answered", "error", err)
	}
	if interval > 0 {
		s.done.Go(func() { s.watchdog(ctx, interval/2, alive) })
	}
	return s
}

func (s *systemd) watchdog(ctx context.Context, every time.Duration, alive func(context.Context) error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := alive(ctx); err != nil {
				s.log.Error("not alive: the watchdog is not answered", "error", err)
				continue
			}
			s.notify(sd.SdNotifyWatchdog)
		}
	}
}

func (s *systemd) ready() { s.notify(sd.SdNotifyReady) }

func (s *systemd) reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		s.log.Warn("can't tell the service manager that the configuration is reloaded", "error", err)
		return
	}
	s.notify(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", sd.SdNotifyReloading, now.Nano()/1000))
}

func (s *systemd) stopping() error {
	s.notify(sd.SdNotifyStopping)
	s.stop()
	s.done.Wait()
	return nil
}

func (s *systemd) notify(state string) {
	if _, err := sd.SdNotify(false, state); err != nil {
		s.log.Warn("can't notify the service manager", "error", err)
	}
}
