package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dam-delivery/dz/pkg/suggest"
)

// ChangeType is a bit that says what kind of thing changed, with the constants
// of Digizuite's Integration Service (DC 5.3). Several are or-ed to a set.
type ChangeType uint8

// The change types.
const (
	AssetChanged      ChangeType = 1
	MetafieldChanged  ChangeType = 2
	TreeValueChanged  ChangeType = 4
	ComboValueChanged ChangeType = 8

	AllChanges = AssetChanged | MetafieldChanged | TreeValueChanged | ComboValueChanged
)

// Kind is what an object is.
type Kind string

// The kinds of objects.
const (
	Asset      Kind = "asset"
	Metafield  Kind = "metafield"
	TreeValue  Kind = "treeValue"
	ComboValue Kind = "comboValue"
)

// changeType describes one bit; the index in changeTypes is the bit's number.
type changeType struct {
	bit   ChangeType
	name  string
	kind  Kind
	types []string
}

var changeTypes = [...]changeType{
	{AssetChanged, "AssetChanged", Asset, []string{
		"AssetCreated", "AssetDeleted", "AssetExternalProccessingFinished", "AssetFolderUpdated",
		"AssetLocationStateUpdated", "AssetMetadataUpdated", "AssetProfilePublished",
		"AssetSecurityUpdated", "AssetUploadFinished",
	}},
	{MetafieldChanged, "MetafieldChanged", Metafield, itemTypes("Metafield")},
	{TreeValueChanged, "TreeValueChanged", TreeValue, itemTypes("TreeValue")},
	{ComboValueChanged, "ComboValueChanged", ComboValue, itemTypes("ComboValue")},
}

func itemTypes(kind string) []string {
	return []string{kind + "Created", kind + "Deleted", kind + "MetadataUpdated", kind + "SecurityUpdated"}
}

// reasons are the trigger reasons of nexxOMNIA's notification gateway.
var reasons = [...]string{
	"encoded", "thumb", "caption", "metadata", "connecteditems", "expired", "deactivate", "delete",
	"archive", "restore", "tocoldstorage", "fromcoldstorage", "approved", "claimed", "rejected",
	"newversion", "childrenchanged", "linkhasdata", "linkhasnodata", "exportcompleted",
	"exportupdated", "exportdeleted",
}

// typeInfo is what the name of a type says.
type typeInfo struct {
	name       string
	changeType ChangeType
	kind       Kind
	reason     string
}

// typeTable maps every accepted spelling of a type to what it says.
var typeTable = makeTypeTable()

func makeTypeTable() map[string]typeInfo {
	table := make(map[string]typeInfo)
	for _, ct := range changeTypes {
		for _, name := range ct.types {
			info := typeInfo{name: name, changeType: ct.bit, kind: ct.kind}
			if ct.kind == Asset {
				info.reason = assetReason(name)
			}
			table[name] = info
		}
	}
	// The DAM misspells this one; writers that spell it right are understood.
	table["AssetExternalProcessingFinished"] = table["AssetExternalProccessingFinished"]
	for _, reason := range reasons {
		table[reason] = typeInfo{name: reason, changeType: AssetChanged, kind: Asset, reason: reason}
	}
	return table
}

func assetReason(typeName string) string {
	switch typeName {
	case "AssetDeleted":
		return "delete"
	case "AssetProfilePublished", "AssetExternalProccessingFinished", "AssetUploadFinished":
		return "encoded"
	default:
		return "metadata"
	}
}

// TypeNames returns the internal event names of the change types in set, and,
// with AssetChanged, the reasons, which are accepted as types too.
func TypeNames(set ChangeType) []string {
	var names []string
	for _, ct := range changeTypes {
		if set&ct.bit != 0 {
			names = append(names, ct.types...)
		}
	}
	if set&AssetChanged != 0 {
		names = append(names, reasons[:]...)
	}
	return names
}

// ParseType returns the canonical name of an event type and the change type it
// belongs to. The error names the nearest type.
func ParseType(name string) (string, ChangeType, error) {
	info, ok := typeTable[name]
	if !ok {
		return "", 0, fmt.Errorf("unknown event %.*q%s", maxNameLength, name, clause(name, TypeNames(AllChanges)))
	}
	return info.name, info.changeType, nil
}

// Reasons returns the 22 reasons in the order of their documentation.
func Reasons() []string { return append([]string(nil), reasons[:]...) }

// ParseReason checks a reason. The error names the nearest one.
func ParseReason(name string) (string, error) {
	for _, reason := range reasons {
		if reason == name {
			return reason, nil
		}
	}
	return "", fmt.Errorf("unknown reason %.*q%s", maxNameLength, name, clause(name, reasons[:]))
}

// ParseChangeType reads the name of one change type. The error names the
// nearest one.
func ParseChangeType(name string) (ChangeType, error) {
	var names []string
	for _, ct := range changeTypes {
		if ct.name == name {
			return ct.bit, nil
		}
		names = append(names, ct.name)
	}
	return 0, fmt.Errorf("unknown change type %.*q%s (change types: %s)",
		maxNameLength, name, clause(name, names), strings.Join(names, ", "))
}

// maxNameLength is how many letters of a wrong name an error repeats, and the
// bytes up to which it is worth looking for the right one: names come from
// lines of up to MaxLineLength, and every bad line costs the search.
const maxNameLength = 80

// clause says which name was probably meant, if any.
func clause(name string, candidates []string) string {
	if len(name) > maxNameLength {
		return ""
	}
	return suggest.Clause(name, candidates)
}

// Names returns the names of the change types in the set.
func (c ChangeType) Names() []string {
	names := []string{}
	for _, ct := range changeTypes {
		if c&ct.bit != 0 {
			names = append(names, ct.name)
		}
	}
	return names
}

// String joins the names with commas.
func (c ChangeType) String() string { return strings.Join(c.Names(), ",") }

// MarshalJSON writes the set as an array of names.
func (c ChangeType) MarshalJSON() ([]byte, error) { return json.Marshal(c.Names()) }

// UnmarshalJSON reads an array of names, or the DAM's flags as a number (5 is
// AssetChanged and TreeValueChanged).
func (c *ChangeType) UnmarshalJSON(raw []byte) error {
	var names []string
	if err := json.Unmarshal(raw, &names); err != nil {
		var flags uint8
		if json.Unmarshal(raw, &flags) != nil {
			return errors.New("change types are an array of names or a number of flags")
		}
		if flags > uint8(AllChanges) {
			return fmt.Errorf("change type flags %d are more than %d", flags, AllChanges)
		}
		*c = ChangeType(flags)
		return nil
	}
	var set ChangeType
	for _, name := range names {
		bit, err := ParseChangeType(name)
		if err != nil {
			return err
		}
		set |= bit
	}
	*c = set
	return nil
}
