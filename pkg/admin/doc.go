// Package admin owns the admin API's server: the Unix socket, who may use it,
// the routes under /api/v1, and the OpenAPI document that describes them.
//
// It guarantees that
//
//   - nobody writes who is not the daemon's user, root or a member of the
//     socket's group, and nobody reads who is not one of them or of the view
//     group (peer credentials of the socket, checked at every request);
//   - an error is always {"error":{"code","message","hint"}} and never repeats
//     a value that was sent;
//   - secrets leave it only when they are asked for by somebody who may write;
//   - a request is bounded in bytes and in time.
//
// What is served it knows only as Service, which it declares itself.
package admin
