package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func makeKey(t testing.TB) *Key {
	t.Helper()
	key, err := Make()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestWhatIsSealedIsOpenedAsItWas(t *testing.T) {
	t.Parallel()
	key := makeKey(t)
	rapid.Check(t, func(t *rapid.T) {
		plain, about := rapid.SliceOf(rapid.Byte()).Draw(t, "plain"), rapid.SliceOf(rapid.Byte()).Draw(t, "about")
		sealed, err := key.Seal(plain, about)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := KeyOf(sealed); err != nil || id != key.ID() {
			t.Errorf("sealed with key %s, %v; want %s", id, err, key.ID())
		}
		opened, err := key.Open(sealed, about)
		if err != nil || !bytes.Equal(opened, plain) {
			t.Errorf("opened as %q, %v; want %q", opened, err, plain)
		}
	})
}

func TestNothingElseIsOpened(t *testing.T) {
	t.Parallel()
	key, plain, about := makeKey(t), []byte("hunter2hunter2"), []byte("endpoint 1")
	sealed, err := key.Seal(plain, about)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, plain[:7]) {
		t.Error("what is sealed can be read")
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if opened, err := key.Open(changed, about); err == nil {
			t.Errorf("byte %d was changed, and it is opened as %q", i, opened)
		}
		if opened, err := key.Open(sealed[:i], about); !errors.Is(err, ErrBroken) {
			t.Errorf("the first %d bytes are opened as %q, %v", i, opened, err)
		}
	}
	if opened, err := key.Open(sealed, []byte("endpoint 2")); !errors.Is(err, ErrBroken) {
		t.Errorf("it belongs to something else, and is opened as %q, %v", opened, err)
	}
	other := makeKey(t)
	var wrong *WrongKeyError
	if opened, err := other.Open(sealed, about); !errors.As(err, &wrong) || wrong.Sealed != key.ID() || wrong.Have != other.ID() {
		t.Errorf("another key opens it as %q, %v", opened, err)
	}
}

func TestSealingTwiceShowsNotThatItIsTheSame(t *testing.T) {
	t.Parallel()
	key := makeKey(t)
	one, err := key.Seal([]byte("hunter2"), nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := key.Seal([]byte("hunter2"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(one[headSize:], two[headSize:]) {
		t.Error("it does")
	}
}

func TestFormsOfAKey(t *testing.T) {
	t.Parallel()
	key := makeKey(t)
	for _, text := range []string{
		base64.StdEncoding.EncodeToString(key.raw), base64.RawStdEncoding.EncodeToString(key.raw),
		hex.EncodeToString(key.raw), strings.ToUpper(hex.EncodeToString(key.raw)),
		"\n " + hex.EncodeToString(key.raw) + "\r\n",
	} {
		if got, err := Parse(text); err != nil || got.ID() != key.ID() || !bytes.Equal(got.raw, key.raw) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "it is empty", " \n": "it is empty", "hunter2!": "it is neither base64 nor hexadecimal",
		base64.StdEncoding.EncodeToString(key.raw[:31]):               "it holds 31 bytes: a key has 32",
		base64.StdEncoding.EncodeToString(append(key.raw[:32:32], 0)): "it holds 33 bytes",
		hex.EncodeToString(key.raw[:16]):                              "it holds 24 bytes",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) || text != "" && strings.Contains(err.Error(), strings.TrimSpace(text)+"!") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestAKeyThatIsPrintedShowsNothing(t *testing.T) {
	t.Parallel()
	key := makeKey(t)
	if shown := fmt.Sprintf("%v %+v %#v %s", key, key, key, key); shown != strings.Repeat("key "+key.ID()+" ", 3)+"key "+key.ID() {
		t.Errorf("printed as %s", shown)
	}
}

func FuzzOpenNeverPanics(f *testing.F) {
	key := makeKey(f)
	sealed, err := key.Seal([]byte("hunter2"), []byte("about"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, []byte("about"))
	f.Add(sealed[:headSize], []byte{})
	f.Add([]byte{form}, []byte{})
	f.Fuzz(func(t *testing.T, data, about []byte) {
		opened, err := key.Open(data, about)
		if err == nil && string(opened) != "hunter2" {
			t.Errorf("opened what was never sealed, as %q", opened)
		}
	})
}
