// Package signature owns how a receiver can tell that a request came from dz and
// arrived unchanged: the gateway's md5 form.
//
// It is pure: it keeps nothing, and time comes in as data. No error of it
// repeats a secret.
package signature
