package rest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
)

// keys is a server that gives keys for an hour, and takes the newest alone.
type keys struct {
	mu      sync.Mutex
	logins  int
	refused int
	revoked bool // the newest is refused all the same
	locked  bool // no key is given
}

func (k *keys) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	newest := fmt.Sprint("key-", k.logins)
	switch {
	case r.URL.Path == "/login":
		k.logins++
		if k.locked {
			http.Error(w, "locked", http.StatusForbidden)
			return
		}
		write(w, map[string]any{"key": fmt.Sprint("key-", k.logins), "seconds": 3600})
	case r.Header.Get("X-Key") != newest || k.revoked:
		k.refused++
		k.revoked = k.revoked && r.Header.Get("X-Key") != newest
		http.Error(w, "no", http.StatusUnauthorized)
	default:
		write(w, map[string]any{"id": 1})
	}
}

func TestATokenIsRenewedBeforeItExpires(t *testing.T) {
	t.Parallel()
	dam := &keys{}
	inBubble(t, plain+loginAuth, dam, func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		for minute := range 120 {
			if _, err := one(t, c, ids(1)[0]); err != nil {
				t.Fatalf("minute %d: %v", minute, err)
			}
			<-time.After(time.Minute)
		}
		// At 0, and after each 54 minutes.
		if dam.logins != 3 || dam.refused != 0 {
			t.Errorf("%d logins, %d keys refused; want 3 and 0", dam.logins, dam.refused)
		}
	}, withPassword)
}

func TestManyCallersShareOneLogin(t *testing.T) {
	t.Parallel()
	dam := &keys{}
	c := open(t, parsed(t, plain+loginAuth), dam, withPassword, func(c *rest.Config) { c.Concurrency = 16 })
	for range 2 {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := c.Look(t.Context(), catalogue.View{}, ids(1)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		dam.mu.Lock()
		dam.logins++ // somebody else has logged in, and the key is none any more
		dam.mu.Unlock()
	}
	if dam.logins != 4 { // two of them are ours, one for each round
		t.Errorf("%d logins, want 4", dam.logins)
	}
}

// A slow request learns that its token is refused when others have a new one.
func TestANewTokenIsNotGivenUpForAnOldOne(t *testing.T) {
	t.Parallel()
	dam := &keys{}
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/assets/9" && r.Header.Get("X-Key") == "key-1" {
			<-time.After(10 * time.Second)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/assets/9" {
			fmt.Fprint(w, `{"id":9}`)
			return
		}
		dam.ServeHTTP(w, r)
	})
	inBubble(t, plain+loginAuth, slow, func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		if _, err := one(t, c, ids(1)[0]); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Look(t.Context(), catalogue.View{}, ids(9)); err != nil {
				t.Error(err)
			}
		})
		<-time.After(time.Second)
		dam.revoked = true
		if _, err := one(t, c, ids(1)[0]); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if _, err := one(t, c, ids(1)[0]); err != nil || dam.logins != 2 {
			t.Errorf("%d logins, want 2; %v", dam.logins, err)
		}
	}, withPassword)
}

func TestATokenThatIsRefusedTwiceIsRefused(t *testing.T) {
	t.Parallel()
	login, refusal := say(http.StatusOK, `{"key":"k","seconds":60}`), say(http.StatusUnauthorized, "")
	dam := inTurn(slices.Repeat([]http.HandlerFunc{login, refusal}, 2)...)
	inBubble(t, plain+loginAuth, dam, func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		_, err := one(t, c, ids(1)[0])
		wantKind(t, err, catalogue.ErrRefused)
		if dam.count() != 4 {
			t.Errorf("%d requests, want 4: twice a login and a try", dam.count())
		}
	}, withPassword)
}

// A DAM locks accounts after some refused logins.
func TestARefusedLoginIsNotTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	dam := &keys{locked: true}
	inBubble(t, plain+loginAuth, dam, func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		for range 100 {
			_, err := one(t, c, ids(1)[0])
			wantKind(t, err, catalogue.ErrRefused)
			<-time.After(time.Second)
		}
		if dam.logins != 2 {
			t.Errorf("%d logins within 100 s, want 2", dam.logins)
		}
		dam.locked = false
		<-time.After(time.Minute)
		if _, err := one(t, c, ids(1)[0]); err != nil {
			t.Error(err)
		}
	}, withPassword)
}

func TestEveryFormOfAnExpiryIsUnderstood(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for expires, renewed := range map[string]time.Duration{
		`600`:                                 9 * time.Minute,
		`600.5`:                               9*time.Minute + 450*time.Millisecond,
		strconv.Itoa(int(begin.Unix()) + 600): 9 * time.Minute,
		`"2026-11-22T08:10:00Z"`:              9 * time.Minute,
		`"2026-11-22T09:10:00.000+01:00"`:     9 * time.Minute,
		`"2026-11-22T08:10:00"`:               9 * time.Minute,
		`null`:                                0, // never, until it is refused
		`"2026-11-22T07:59:00Z"`:              0, // the clocks differ
		`-5`:                                  0,
	} {
		var mu sync.Mutex
		now, logins := begin, 0
		set := func(at time.Time) {
			mu.Lock()
			defer mu.Unlock()
			now = at
		}
		mux := http.NewServeMux()
		mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
			logins++
			say(http.StatusOK, `{"key":"k","seconds":`+expires+`}`)(w, r)
		})
		mux.HandleFunc("/assets/1", fine)
		c := open(t, parsed(t, plain+loginAuth), mux, withPassword, func(c *rest.Config) {
			c.Now = func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return now
			}
		})
		look := func(at time.Time, want int) {
			t.Helper()
			set(at)
			if _, err := one(t, c, ids(1)[0]); err != nil || logins != want {
				t.Errorf("expires %s: at %s %d logins, want %d; %v", expires, at.Format(time.TimeOnly), logins, want, err)
			}
		}
		look(begin, 1)
		if renewed == 0 {
			look(begin.Add(1000*time.Hour), 1)
			continue
		}
		look(begin.Add(renewed-time.Millisecond), 1)
		look(begin.Add(renewed), 2)
	}
}

func TestAnExpiryThatCantBeReadIsRefused(t *testing.T) {
	t.Parallel()
	for _, expires := range []string{`"tomorrow"`, `true`, `[600]`} {
		c := open(t, parsed(t, plain+loginAuth), say(http.StatusOK, `{"key":"secret-key","seconds":`+expires+`}`), withPassword)
		_, err := one(t, c, ids(1)[0])
		wantKind(t, err, catalogue.ErrRefused)
		wantNoSecret(t, err)
	}
}

// whole is how many assets the shelf has.
const whole = 25

// A key is good for one page, and ends before its time.
func TestATokenMayEndInTheMiddleOfEveryList(t *testing.T) {
	t.Parallel()
	for name, list := range pagings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			logins, used := 0, 0
			dam := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/login":
					logins++
					used = 0
					write(w, map[string]any{"key": fmt.Sprint("key-", logins), "seconds": 3600})
				case r.Header.Get("X-Key") != fmt.Sprint("key-", logins) || used > 0:
					http.Error(w, "no", http.StatusUnauthorized)
				default:
					used++
					shelf(w, r)
				}
			})
			c := open(t, parsed(t, plain+loginAuth+"list: "+list), dam, withPassword)
			if found := listed(t, c, catalogue.View{}, ""); len(found) != whole || found[whole-1] != "25" || logins < 3 {
				t.Errorf("a list of %d with %d logins: %v", len(found), logins, found)
			}
		})
	}
}

// The DAM wants to be left alone after each page.
func TestEveryListWaitsWhereTheDAMAsksForIt(t *testing.T) {
	t.Parallel()
	for name, list := range pagings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pages, refused := 0, 0
				var free time.Time
				dam := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if time.Now().Before(free) {
						refused++
						wait := int(time.Until(free).Seconds())
						say(http.StatusTooManyRequests, `{}`, "Retry-After: "+strconv.Itoa(wait))(w, r)
						return
					}
					pages++
					free = time.Now().Add(10 * time.Second)
					shelf(w, r)
				})
				c := opened(t, parsed(t, plain+"list: "+list), "http://dam.test", direct{dam})
				begun := time.Now()
				found := listed(t, c, catalogue.View{}, "")
				if want := time.Duration(pages-1) * 10 * time.Second; len(found) != whole || refused != pages-1 || time.Since(begun) != want {
					t.Errorf("%d assets on %d pages, refused %d times, in %s; want %s", len(found), pages, refused, time.Since(begun), want)
				}
			})
		})
	}
}
