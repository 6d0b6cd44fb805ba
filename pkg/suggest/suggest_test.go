package suggest

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	types := []string{"AssetChanged", "MetafieldChanged", "TreeValueChanged", "ComboValueChanged"}
	for word, want := range map[string]string{
		"assetchanged":    "AssetChanged",
		"AssetsChanged":   "AssetChanged",
		"MetaFieldChange": "MetafieldChanged",
		"ComboChanged":    "ComboValueChanged",
		"xyz":             "",
		"":                "",
		"notification":    "",
	} {
		if got := Nearest(word, types); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestClause(t *testing.T) {
	t.Parallel()
	if got := Clause("delet", []string{"delete", "archive"}); got != "; did you mean delete?" {
		t.Errorf("got %q", got)
	}
	if got := Clause("qqqqqq", []string{"delete", "archive"}); got != "" {
		t.Errorf("got %q", got)
	}
}
