package endpoint

import (
	"strings"
	"testing"
)

func TestAGroupHasANameAndDifferentURLs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		urls []string
		want string // "": valid
	}{
		{"shop", []string{"https://a.example/", "https://b.example/"}, ""},
		{"shop", []string{"https://a.example/"}, ""},
		{"shop", nil, "endpoint group shop has no URL"},
		{"my shop", []string{"https://a.example/"}, `endpoint name "my shop"`},
		{"shop", []string{"https://u:s3cret@a.example/", "https://b.example/", "https://u:s3cret@a.example/"}, `url "https://***@a.example/" is given twice`},
	} {
		err := CheckGroup(c.name, c.urls)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s of %q: %v, want %q", c.name, c.urls, err, c.want)
		}
	}
	ep := Endpoint{Name: MemberName("shop", 12), Group: "not a name"}
	if err := ep.Validate(); ep.Name != "shop-12" || err == nil || !strings.Contains(err.Error(), `"not a name"`) {
		t.Errorf("%s in a group without a proper name: %v", ep.Name, err)
	}
}
