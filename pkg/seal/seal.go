// Package seal owns secrets at rest: AES-256-GCM (NIST SP 800-38D) with one key,
// which lies in a file of its own.
//
// It guarantees that nothing is sealed with a key that is not durable in its
// file; that what was changed, or belongs to something else, is not opened; and
// that a wrong key is an error that says so, and changes nothing. No error
// repeats a key or what is sealed.
//
// It must not know what is sealed, nor where it is kept.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// What is sealed is: the form, the id of the key, a random nonce, and the
// ciphertext with its tag. A random nonce of 96 bits serves 2^32 records; an
// endpoint is sealed when a person changes it.
const (
	form      = 1
	idSize    = 4
	nonceSize = 12
	headSize  = 1 + idSize + nonceSize
)

// ErrBroken says that what is sealed was changed, was moved, or never was
// sealed.
var ErrBroken = errors.New("what is sealed does not fit: it was changed, or belongs to something else")

// WrongKeyError says that something was sealed with another key.
type WrongKeyError struct {
	Sealed string // the id of the key that it was sealed with
	Have   string // the id of the one at hand; "" for none
	File   string // where that lies, or should; "" if it is in none
}

func (e *WrongKeyError) Error() string {
	text := "secrets are sealed with key " + e.Sealed
	switch {
	case e.Have == "" && e.File == "":
		return text + ", and there is none"
	case e.Have == "":
		return text + ", and there is no key file " + e.File
	case e.File == "":
		return text + ", and this is key " + e.Have
	default:
		return text + ", and key file " + e.File + " holds key " + e.Have
	}
}

// Key seals and opens. It is safe for use by many goroutines.
type Key struct {
	raw  []byte
	id   [idSize]byte
	aead cipher.AEAD
}

func newKey(raw []byte) (*Key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	// The id tells keys apart and says nothing of them.
	id, err := hkdf.Key(sha256.New, raw, nil, "dz key id", idSize)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return &Key{raw: raw, id: [idSize]byte(id), aead: aead}, nil
}

// Make makes a new key.
func Make() (*Key, error) {
	raw := make([]byte, KeySize)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return newKey(raw)
}

// Parse reads a key as it stands in a file: 32 bytes in base64 or hexadecimal,
// with white space around them.
func Parse(text string) (*Key, error) {
	text = strings.TrimSpace(text)
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != KeySize {
		raw, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	}
	switch {
	case text == "":
		return nil, errors.New("it is empty")
	case err != nil:
		return nil, errors.New("it is neither base64 nor hexadecimal")
	case len(raw) != KeySize:
		return nil, fmt.Errorf("it holds %d bytes: a key has %d, in base64 or hexadecimal", len(raw), KeySize)
	}
	return newKey(raw)
}

// ID is the short name of the key, which people may see.
func (k *Key) ID() string { return hex.EncodeToString(k.id[:]) }

// String shows nothing secret.
func (k *Key) String() string { return "key " + k.ID() }

// GoString shows nothing secret.
func (k *Key) GoString() string { return k.String() }

// Seal seals plain. It is opened only together with the same about, which says
// what it belongs to and is not kept in it.
func (k *Key) Seal(plain, about []byte) ([]byte, error) {
	sealed := make([]byte, headSize, headSize+len(plain)+k.aead.Overhead())
	sealed[0] = form
	copy(sealed[1:], k.id[:])
	nonce := sealed[1+idSize : headSize]
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return k.aead.Seal(sealed, nonce, plain, bound(sealed, about)), nil
}

// Open opens what Seal returned. *WrongKeyError if that was of another key, else
// ErrBroken.
func (k *Key) Open(sealed, about []byte) ([]byte, error) {
	id, err := KeyOf(sealed)
	if err != nil {
		return nil, err
	}
	if id != k.ID() {
		return nil, &WrongKeyError{Sealed: id, Have: k.ID()}
	}
	plain, err := k.aead.Open(nil, sealed[1+idSize:headSize], sealed[headSize:], bound(sealed, about))
	if err != nil {
		return nil, ErrBroken
	}
	return plain, nil
}

// bound is what the tag covers beside the ciphertext.
func bound(sealed, about []byte) []byte {
	return append(append(make([]byte, 0, 1+idSize+len(about)), sealed[:1+idSize]...), about...)
}

// KeyOf returns the id of the key that something was sealed with.
func KeyOf(sealed []byte) (string, error) {
	if len(sealed) < headSize || sealed[0] != form {
		return "", ErrBroken
	}
	return hex.EncodeToString(sealed[1 : 1+idSize]), nil
}
