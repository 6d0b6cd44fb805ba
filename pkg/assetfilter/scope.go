package assetfilter

import (
	"errors"

	"github.com/dam-delivery/dz/pkg/catalogue/metadata"
	"github.com/dam-delivery/dz/pkg/rawjson"
)

// scope is what an expression sees, for one run.
type scope struct {
	Asset any `expr:"asset"`
	// Meta returns the value of a metadata field, by its name, guid or id, without
	// regard to case and whatever the shape of the metadata; nil without one. Of
	// values that have labels, such as those of combo boxes and trees, it is the
	// labels: one, or a list.
	Meta func(field string) any `expr:"meta"`
	// InChannel reports whether the asset is published to a channel, by its id or
	// name: whether one of its members channels, channelFolders, publishedTo and
	// the like has it.
	InChannel func(channel any) (bool, error) `expr:"inChannel"`
	// InTree reports whether the asset is at or below a place in a tree: a node,
	// by its id or name, or by the names on the path to it, joined by slashes. It
	// looks at all metadata fields that are trees, or at the one field named.
	InTree func(place any, field ...string) (bool, error) `expr:"inTree"`
	// Step is called with what each predicate gives.
	Step func(v any) (any, error) `expr:"one step"`
}

var errSteps = errors.New("it looks at more elements than a filter may")

func (f *Filter) scope(asset rawjson.Value) (scope, error) {
	steps := 0
	s := scope{
		Meta: func(field string) any { return meta(asset, field) },
		InChannel: func(channel any) (bool, error) {
			wanted, err := text(channel)
			return err == nil && inChannel(asset, wanted), err
		},
		InTree: func(place any, field ...string) (bool, error) {
			wanted, err := text(place)
			return err == nil && inTree(asset, wanted, field), err
		},
		Step: func(v any) (any, error) {
			if steps++; steps > maxSteps {
				return nil, errSteps
			}
			return v, nil
		},
	}
	if !f.usesAsset {
		return s, nil
	}
	if asset == nil {
		s.Asset = map[string]any{}
		return s, nil
	}
	var err error
	s.Asset, err = rawjson.Decode(asset)
	return s, err
}

// meta returns the value of a field as people see it.
func meta(asset rawjson.Value, field string) any {
	value, ok := metadata.Find(asset, metadata.NewNames(field))
	if !ok {
		return nil
	}
	return labels(decode(value.JSON))
}

// decode makes Go values of a value, which is known to be valid.
func decode(value rawjson.Value) any {
	v, err := rawjson.Decode(value)
	if err != nil {
		return nil
	}
	return v
}

// labels replaces objects that have a label by it.
func labels(v any) any {
	switch v := v.(type) {
	case []any:
		all := make([]any, len(v))
		for i, element := range v {
			all[i] = label(element)
		}
		return all
	default:
		return label(v)
	}
}

// label returns the label of a value as Digizuite writes them: {id, label,
// optionValue} of combo boxes and trees, {itemId, title} of references, or the
// name that goes with an id. Other values are returned as they are.
func label(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	names := []string{"label", "optionValue"}
	if has(object, "id") || has(object, "itemId") {
		names = append(names, "title", "name")
	}
	if has(object, "children") {
		return v
	}
	for _, name := range names {
		if text, ok := object[name].(string); ok && text != "" {
			return text
		}
	}
	return v
}

func has(object map[string]any, name string) bool {
	_, ok := object[name]
	return ok
}
