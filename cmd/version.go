package cmd

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/render"
)

// Build says what the linker knew of this program; its members may be empty.
type Build struct {
	Version string
	Commit  string
	Date    string // RFC 3339
}

// BuildInfo is what program this is.
type BuildInfo struct {
	Version  string `json:"version"` // "(devel)" if it was not released
	Commit   string `json:"commit"`
	Date     string `json:"date"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Info returns what the linker said, and what it left out as the Go tool noted
// it when it built the program.
func (b Build) Info() BuildInfo {
	info := BuildInfo{
		Version: b.Version, Commit: b.Commit, Date: b.Date,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if noted, ok := debug.ReadBuildInfo(); ok {
		info.Version = cmp.Or(info.Version, noted.Main.Version)
		for _, setting := range noted.Settings {
			switch setting.Key {
			case "vcs.revision":
				info.Commit = cmp.Or(info.Commit, setting.Value)
			case "vcs.time":
				info.Date = cmp.Or(info.Date, setting.Value)
			}
		}
	}
	info.Version = cmp.Or(info.Version, "(devel)")
	return info
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show what program this is",
		Example: `  dz version
  dz version -o name`,
		Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			out, err := a.printer()
			if err != nil {
				return err
			}
			info := a.env.Build.Info()
			return out.Properties(info, info.Version, []render.Property{
				{Label: "Version", Value: info.Version},
				{Label: "Commit", Value: info.Commit},
				{Label: "Date", Value: info.Date},
				{Label: "Go", Value: info.Go},
				{Label: "Platform", Value: info.Platform},
			})
		},
	}
}
