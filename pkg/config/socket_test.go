package config

import (
	"strings"
	"testing"
)

func TestWhichSocketAClientUses(t *testing.T) {
	t.Parallel()
	const own = "/run/user/1000/dz/dz.sock"
	ada := host{uid: 1000, home: "/home/ada", env: []string{"XDG_RUNTIME_DIR=/run/user/1000"}}
	withFile := func(content string, env ...string) host {
		h := ada.with("/c/dz.yaml", content)
		h.env = append(env, h.env...)
		return h
	}
	beside := func(present ...string) host {
		h := ada
		h.present = present
		return h
	}
	for name, test := range map[string]struct {
		host host
		flag string
		want string
	}{
		"the flag":                        {withFile("socket: {path: /f.sock}", "DZ_SOCKET=/v.sock"), "x.sock", "x.sock"},
		"the variable":                    {withFile("socket: {path: /f.sock}", "DZ_SOCKET=/v.sock"), "", "/v.sock"},
		"the configuration's variable":    {withFile("", "DZ_SOCKET=/v.sock", "DZ_SOCKET_PATH=/p.sock"), "", "/p.sock"},
		"the file":                        {withFile("Socket: {Path: f.sock}"), "", "/c/f.sock"},
		"a file with other mistakes":      {withFile("zebra: 1\nsocket: {path: /f.sock, zebra: 2}"), "", "/f.sock"},
		"a file with mistakes, no socket": {withFile("zebra: 1\nsources: 5"), "", own},
		"a file that leaves it open":      {withFile("socket: {path: }"), "", own},
		"other variables' mistakes":       {withFile("", "DZ_LOG_LEVEL=loud"), "", own},
		"no daemon at all":                {ada, "", own},
		"the user's daemon":               {beside(own, systemSocket), "", own},
		"the system's daemon":             {beside(systemSocket), "", systemSocket},
		"the file before the system's":    {withFile("socket: {path: /f.sock}"), "", "/f.sock"},
		"root":                            {root(), "", systemSocket},
		"no home, the system's daemon":    {host{uid: 1, present: []string{systemSocket}}, "", systemSocket},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ClientSocket(test.flag, test.host.options())
			if err != nil || got != test.want {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestAClientSaysWhyItHasNoSocket(t *testing.T) {
	t.Parallel()
	missing := user()
	missing.file = "/c/dz.yaml"
	for name, test := range map[string]struct {
		host host
		flag string
		want string
	}{
		"no file":      {missing, "", "configuration file /c/dz.yaml does not exist"},
		"a broken one": {user().with("/c/dz.yaml", "a:\n\tb"), "", "/c/dz.yaml:2: not YAML"},
		"a wrong path": {user().with("/c/dz.yaml", "\nsocket: {path: [a]}"), "", "/c/dz.yaml:2: socket.path is a list"},
		"no home":      {host{uid: 1}, "", "socket.path has no default"},
		"too long":     {user(), strings.Repeat("x", 200), "is 200 bytes long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ClientSocket(test.flag, test.host.options())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, %v; want an error with %q", got, err, test.want)
			}
		})
	}
}
