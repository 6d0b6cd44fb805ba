package assetfilter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/catalogue/metadata"
	"github.com/dam-delivery/dz/pkg/rawjson"
)

// text returns an id, or a name, in lower case.
func text(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return strings.ToLower(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	default:
		return "", fmt.Errorf("an id or a name is wanted, and there is %s", kindOf(v))
	}
}

// channelMembers are the members of an asset that say where it is published.
// Digizuite's asset object has none of its own; events and other DAMs do.
var channelMembers = metadata.NewNames(
	"channel", "channels", "channelId", "channelIds", "channelFolder", "channelFolders", "channelFolderId", "channelFolderIds",
	"distributionChannel", "distributionChannels", "publishedTo", "publishedChannels", "publishedInChannels",
)

// channelNames are the members of an object by which a channel is known.
var channelNames = metadata.NewNames(
	"id", "itemId", "guid", "itemGuid", "channel", "channelId", "channelFolderId", "folderId", "name", "title", "label",
)

// inChannel reports whether an asset has the channel, in lower case: in a list
// or alone, as an id, a name or an object that has it; or as the name of a member
// that is neither false nor null.
func inChannel(asset rawjson.Value, channel string) bool {
	wanted := metadata.NewNames(channel)
	isIt := func(v rawjson.Value) bool {
		if said, ok := v.String(); ok {
			return wanted.Has(said)
		}
		named := false
		for m := range v.Members {
			if channelNames.Has(m.Name) {
				named = true
				if said, ok := m.Value.String(); ok && wanted.Has(said) || !ok && wanted.Has(m.Value) {
					return true
				}
			}
		}
		if v[0] != '{' {
			return wanted.Has(v)
		}
		for m := range v.Members {
			if !named && wanted.Has(m.Name) && string(m.Value) != "false" && string(m.Value) != "null" {
				return true
			}
		}
		return false
	}
	for m := range asset.Members {
		if !channelMembers.Has(m.Name) {
			continue
		}
		if m.Value[0] != '[' && isIt(m.Value) {
			return true
		}
		for v := range m.Value.Elements {
			if isIt(v) {
				return true
			}
		}
	}
	return false
}

// inTree reports whether a field, or any that is a tree, has the place, in lower
// case.
func inTree(asset rawjson.Value, place string, field []string) bool {
	t := tree{place: strings.Trim(place, "/")}
	if len(field) > 0 {
		value, ok := metadata.Find(asset, metadata.NewNames(field[0]))
		return ok && t.holds(decode(value.JSON), nil)
	}
	for value := range metadata.All(asset) {
		if v := decode(value.JSON); (value.Type == metadata.TypeTree || isTree(v)) && t.holds(v, nil) {
			return true
		}
	}
	return false
}

// isTree reports whether a value is a tree by its looks: its nodes have a parent
// or children.
func isTree(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, isTree)
	case map[string]any:
		return has(v, "parentId") || has(v, "children")
	default:
		return false
	}
}

// node is a node of a tree: {id, label, optionValue, parentId} as Digizuite
// writes them, those on the way to a node before or after it or not at all; or
// {id, name, children}.
type node struct {
	id, parentID string
	names        []string // in lower case
	parent       *node
}

// tree looks for a place in a value.
type tree struct{ place string }

// holds reports whether the place is in v, whose parent is known if v is a child.
func (t tree) holds(v any, parent *node) bool {
	switch v := v.(type) {
	case []any:
		nodes := make([]*node, len(v))
		byID := make(map[string]*node)
		for i, element := range v {
			if object, ok := element.(map[string]any); ok {
				nodes[i] = newNode(object, parent)
				byID[nodes[i].id] = nodes[i]
			}
		}
		for i, element := range v {
			if n := nodes[i]; n == nil {
				if t.holds(element, parent) {
					return true
				}
			} else if n.parent == nil && n.parentID != "" && n.parentID != n.id {
				n.parent = byID[n.parentID]
			}
		}
		for i, element := range v {
			if n := nodes[i]; n != nil && (t.isAt(n) || t.below(element, n)) {
				return true
			}
		}
		return false
	case map[string]any:
		n := newNode(v, parent)
		return t.isAt(n) || t.below(v, n)
	case string, int, float64:
		said, err := text(v)
		return err == nil && strings.Contains("/"+strings.Trim(said, "/")+"/", "/"+t.place+"/")
	default:
		return false
	}
}

// below looks at a node's children.
func (t tree) below(v any, n *node) bool {
	object, ok := v.(map[string]any)
	return ok && object["children"] != nil && t.holds(object["children"], n)
}

func newNode(object map[string]any, parent *node) *node {
	n := &node{parent: parent}
	n.id, _ = text(object["id"]) // one without an id has none to be found by
	n.parentID, _ = text(object["parentId"])
	for _, name := range [...]string{"label", "optionValue", "name", "title"} {
		if said, ok := object[name].(string); ok && said != "" {
			n.names = append(n.names, strings.ToLower(said))
		}
	}
	return n
}

// isAt reports whether a node is the place: by its id, by that of its parent, or
// by its name and as many of those above it as the place has.
func (t tree) isAt(n *node) bool {
	if t.place == "" {
		return false
	}
	if n.id == t.place || n.parentID == t.place {
		return true
	}
	for rest := t.place; n != nil; n = n.parent {
		above, ok := n.cut(rest)
		if !ok {
			return false
		}
		if above == "" {
			return true
		}
		rest = above
	}
	return false
}

// cut takes the node's name off the end of a path; names may have slashes too.
func (n *node) cut(path string) (above string, ok bool) {
	if slices.Contains(n.names, path) {
		return "", true
	}
	for _, name := range n.names {
		if above, ok := strings.CutSuffix(path, "/"+name); ok && above != "" {
			return above, true
		}
	}
	return "", false
}
