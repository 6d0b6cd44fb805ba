package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"time"
)

const (
	// callWithin is how long one call of Directus may take, or of dz.
	callWithin = 30 * time.Second
	// maxAnswer is longer than any answer here, in bytes.
	maxAnswer = 16 << 20
)

// directus speaks to the API of a Directus in somebody's name.
type directus struct {
	url   string
	token string
}

// file is what Directus says of a file, as far as it is compared.
type file struct {
	ID          string      `json:"id"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	Tags        []string    `json:"tags"`
	Name        string      `json:"filename_download"`
	Size        json.Number `json:"filesize"`
	Folder      string      `json:"folder"` // "" for none
	Metadata    struct {
		Copyright string `json:"Copyright"` // asked for by the receiver
		Internal  string `json:"Internal"`  // not
	} `json:"metadata"`
}

// call makes a request with a JSON body, or none if body is nil, and decodes the
// data of the answer into data, if that is not nil.
func (d directus) call(ctx context.Context, method, path string, body, data any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	return d.send(ctx, method, path, "application/json", content, data)
}

func (d directus) send(ctx context.Context, method, path, media string, body io.Reader, data any) error {
	text, err := d.fetch(ctx, method, path, media, body)
	if err != nil || data == nil {
		return err
	}
	answer := struct {
		Data any `json:"data"`
	}{data}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("directus: %s %s: %w", method, path, err)
	}
	return nil
}

// fetch returns the answer as it is; an error for any status but a 2xx.
func (d directus) fetch(ctx context.Context, method, path, media string, body io.Reader) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	if body != nil {
		req.Header.Set("Content-Type", media)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && (resp.StatusCode < 200 || resp.StatusCode > 299) {
		err = fmt.Errorf("directus: %s %s: %s: %.300s", method, path, resp.Status, text)
	}
	return text, err
}

// upload uploads a new file, or what an existing one is to hold from now on if
// id is not "", and returns its id.
func (d directus) upload(ctx context.Context, id, title, name, content string) (string, error) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	method, path := http.MethodPost, "/files"
	if id != "" {
		method, path = http.MethodPatch, "/files/"+id
	} else if err := w.WriteField("title", title); err != nil {
		return "", err
	}
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(part, content); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	var made file
	err = d.send(ctx, method, path, w.FormDataContentType(), &form, &made)
	return made.ID, err
}

// update changes members of files with one request.
func (d directus) update(ctx context.Context, ids []string, members map[string]any) error {
	if len(ids) == 1 {
		return d.call(ctx, http.MethodPatch, "/files/"+ids[0], members, nil)
	}
	return d.call(ctx, http.MethodPatch, "/files", map[string]any{"keys": ids, "data": members}, nil)
}

// remove deletes files with one request.
func (d directus) remove(ctx context.Context, ids []string) error {
	if len(ids) == 1 {
		return d.call(ctx, http.MethodDelete, "/files/"+ids[0], nil, nil)
	}
	return d.call(ctx, http.MethodDelete, "/files", ids, nil)
}

// content returns what a file holds.
func (d directus) content(ctx context.Context, id string) ([]byte, error) {
	return d.fetch(ctx, http.MethodGet, "/assets/"+id+"?download", "", nil)
}

// all returns every file that may be read, by its id.
func (d directus) all(ctx context.Context) (map[string]file, error) {
	var files []file
	query := url.Values{"limit": {"-1"}}
	if err := d.call(ctx, http.MethodGet, "/files?"+query.Encode(), nil, &files); err != nil {
		return nil, err
	}
	byID := make(map[string]file, len(files))
	for _, f := range files {
		byID[f.ID] = f
	}
	return byID, nil
}

// create makes an item of any of Directus' own collections, and returns its id.
func (d directus) create(ctx context.Context, path string, item map[string]any) (string, error) {
	var made struct {
		ID any `json:"id"` // a text or a number
	}
	err := d.call(ctx, http.MethodPost, path, item, &made)
	return fmt.Sprint(made.ID), err
}
