package event

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryTypeBelongsToAChangeTypeAndHasAReason(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		changeType ChangeType
		reason     string
	}{
		"AssetCreated":                     {1, "metadata"},
		"AssetDeleted":                     {1, "delete"},
		"AssetExternalProccessingFinished": {1, "encoded"},
		"AssetFolderUpdated":               {1, "metadata"},
		"AssetLocationStateUpdated":        {1, "metadata"},
		"AssetMetadataUpdated":             {1, "metadata"},
		"AssetProfilePublished":            {1, "encoded"},
		"AssetSecurityUpdated":             {1, "metadata"},
		"AssetUploadFinished":              {1, "encoded"},
		"MetafieldCreated":                 {2, ""},
		"MetafieldDeleted":                 {2, ""},
		"MetafieldMetadataUpdated":         {2, ""},
		"MetafieldSecurityUpdated":         {2, ""},
		"TreeValueCreated":                 {4, ""},
		"TreeValueDeleted":                 {4, ""},
		"TreeValueMetadataUpdated":         {4, ""},
		"TreeValueSecurityUpdated":         {4, ""},
		"ComboValueCreated":                {8, ""},
		"ComboValueDeleted":                {8, ""},
		"ComboValueMetadataUpdated":        {8, ""},
		"ComboValueSecurityUpdated":        {8, ""},
		"tocoldstorage":                    {1, "tocoldstorage"},
		"exportdeleted":                    {1, "exportdeleted"},
	} {
		canonical, changeType, err := ParseType(name)
		if err != nil || canonical != name || changeType != want.changeType {
			t.Errorf("ParseType(%s) = %s, %d, %v; want %d", name, canonical, changeType, err, want.changeType)
		}
		e, err := Decode([]byte(`{"id":"1","source":"s","type":"` + name + `","data":{"itemId":1}}`))
		if err != nil || e.Reason != want.reason || e.ChangeType != want.changeType {
			t.Errorf("%s has reason %q, change type %d, %v; want %q", name, e.Reason, e.ChangeType, err, want.reason)
		}
	}
	if names := TypeNames(AllChanges); len(names) != 9+3*4+22 {
		t.Errorf("there are %d types", len(names))
	}
}

func TestTheDAMsMisspelling(t *testing.T) {
	t.Parallel()
	canonical, changeType, err := ParseType("AssetExternalProcessingFinished")
	if err != nil || canonical != "AssetExternalProccessingFinished" || changeType != AssetChanged {
		t.Errorf("got %s, %v, %v", canonical, changeType, err)
	}
	if slices.Contains(TypeNames(AllChanges), "AssetExternalProcessingFinished") {
		t.Error("the right spelling is listed, so it would be offered as another type")
	}
}

func TestTheReasonsAreTheGateways(t *testing.T) {
	t.Parallel()
	want := strings.Fields(`encoded thumb caption metadata connecteditems expired deactivate delete archive restore
		tocoldstorage fromcoldstorage approved claimed rejected newversion childrenchanged linkhasdata linkhasnodata
		exportcompleted exportupdated exportdeleted`)
	got := Reasons()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got[0] = "changed"
	if _, err := ParseReason("encoded"); err != nil {
		t.Error("a caller could change the reasons")
	}
}

func TestTypeNamesOfASet(t *testing.T) {
	t.Parallel()
	want := []string{
		"MetafieldCreated", "MetafieldDeleted", "MetafieldMetadataUpdated", "MetafieldSecurityUpdated",
		"ComboValueCreated", "ComboValueDeleted", "ComboValueMetadataUpdated", "ComboValueSecurityUpdated",
	}
	if diff := cmp.Diff(want, TypeNames(MetafieldChanged|ComboValueChanged)); diff != "" {
		t.Error(diff)
	}
}

func TestWrongNamesComeWithTheRightOne(t *testing.T) {
	t.Parallel()
	parse := map[string]func(string) error{
		"type":        func(name string) error { _, _, err := ParseType(name); return err },
		"reason":      func(name string) error { _, err := ParseReason(name); return err },
		"change type": func(name string) error { _, err := ParseChangeType(name); return err },
	}
	for _, test := range []struct{ what, name, want string }{
		{"type", "AssetUpdated", `unknown event "AssetUpdated"; did you mean AssetCreated?`},
		{"type", "assetdeleted", `unknown event "assetdeleted"; did you mean AssetDeleted?`},
		{"type", "", `unknown event ""`},
		{"reason", "deleted", `unknown reason "deleted"; did you mean delete?`},
		{"change type", "AssetChange", `unknown change type "AssetChange"; did you mean AssetChanged? ` +
			`(change types: AssetChanged, MetafieldChanged, TreeValueChanged, ComboValueChanged)`},
	} {
		if err := parse[test.what](test.name); err == nil || err.Error() != test.want {
			t.Errorf("%s %q: %v\nwant %s", test.what, test.name, err, test.want)
		}
	}
	for what, parse := range parse {
		if err := parse(strings.Repeat("x", MaxLineLength)); err == nil || len(err.Error()) > 300 {
			t.Errorf("the error on a %s of a megabyte repeats it", what)
		}
	}
}

func TestChangeTypesAsJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]ChangeType{
		`["AssetChanged","ComboValueChanged"]`: 9, `[]`: 0, `5`: 5, `0`: 0, `15`: 15, `["TreeValueChanged","TreeValueChanged"]`: 4,
	} {
		var got ChangeType
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("%s reads as %v, %v; want %v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		`16`: "more than 15", `-1`: "array of names or a number", `256`: "array of names or a number", `"AssetChanged"`: "array of names",
		`["AssetChange"]`: "did you mean AssetChanged", `[1]`: "array of names", `1.5`: "array of names",
	} {
		var got ChangeType
		if err := json.Unmarshal([]byte(in), &got); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s reads as %v, %v; want an error with %q", in, got, err, want)
		}
	}
	for set, want := range map[ChangeType]string{
		0: `[]`, 5: `["AssetChanged","TreeValueChanged"]`, AllChanges: `["AssetChanged","MetafieldChanged","TreeValueChanged","ComboValueChanged"]`,
	} {
		if got, err := json.Marshal(set); err != nil || string(got) != want {
			t.Errorf("%v prints %s, %v; want %s", set, got, err, want)
		}
	}
	if got := (AssetChanged | TreeValueChanged).String(); got != "AssetChanged,TreeValueChanged" {
		t.Errorf("got %q", got)
	}
}
