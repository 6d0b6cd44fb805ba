package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
)

// site is a Directus set up for dz: a user who may read the files that lie in no
// folder, and a Flow that tells the bridge of every change of a file.
type site struct {
	admin, reader directus
	folder        string // what lies in it is hidden from the reader
	policy        string // the reader's
	permission    string // of the policy, to read files; "" while it has none
	flow          string
}

// setUp sets the Directus up. secret is the header that the bridge wants.
func setUp(ctx context.Context, admin directus, bridge, secret string) (*site, error) {
	s := &site{admin: admin, reader: directus{admin.url, rand.Text()}}
	var errs []error
	create := func(path string, item map[string]any) string {
		id, err := admin.create(ctx, path, item)
		errs = append(errs, err)
		return id
	}
	s.folder = create("/folders", map[string]any{"name": "Confidential"})
	s.policy = create("/policies", map[string]any{"name": "Reader", "admin_access": false, "app_access": false})
	role := create("/roles", map[string]any{
		"name": "Reader", "policies": map[string]any{"create": []any{map[string]any{"policy": s.policy}}},
	})
	create("/users", map[string]any{
		"email": "dz@example.com", "role": role, "token": s.reader.token, "status": "active",
	})
	errs = append(errs, s.permit(ctx))
	s.flow = create("/flows", map[string]any{
		"name": "Tell dz", "status": "active", "trigger": "event", "accountability": nil,
		"options": map[string]any{"type": "action", "scope": []string{uploaded, updated, deleted}},
	})
	operation := create("/operations", map[string]any{
		"flow": s.flow, "key": "tell", "name": "Tell", "type": "request", "position_x": 19, "position_y": 1,
		"options": map[string]any{
			"method": http.MethodPost, "url": bridge, "body": "{{$trigger}}",
			"headers": []any{
				map[string]any{"header": "Content-Type", "value": "application/json"},
				map[string]any{"header": bridgeHeader, "value": secret},
			},
		},
	})
	errs = append(errs, admin.call(ctx, http.MethodPatch, "/flows/"+s.flow, map[string]any{"operation": operation}, nil))
	return s, errors.Join(errs...)
}

// permit lets the reader read files that lie in no folder.
func (s *site) permit(ctx context.Context) (err error) {
	s.permission, err = s.admin.create(ctx, "/permissions", map[string]any{
		"policy": s.policy, "collection": "directus_files", "action": "read", "fields": []string{"*"},
		"permissions": map[string]any{"folder": map[string]any{"_null": true}}, "validation": map[string]any{},
	})
	return err
}

// forbid takes from the reader the right to read any file.
func (s *site) forbid(ctx context.Context) error {
	err := s.admin.call(ctx, http.MethodDelete, "/permissions/"+s.permission, nil, nil)
	s.permission = ""
	return err
}

// tells switches the Flow on or off.
func (s *site) tells(ctx context.Context, on bool) error {
	status := "inactive"
	if on {
		status = "active"
	}
	return s.admin.call(ctx, http.MethodPatch, "/flows/"+s.flow, map[string]any{"status": status}, nil)
}
