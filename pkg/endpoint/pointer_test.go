package endpoint

import "testing"

func TestSetAndUnsetByPointer(t *testing.T) {
	t.Parallel()
	const document = `{"apiKey":"k","at":{"list":["a",{"b":1}],"a/b":null}}`
	for _, tt := range []struct{ pointer, value, want, err string }{ // no value: unset
		{"/apiKey", `"n"`, `{"apiKey":"n","at":{"a/b":null,"list":["a",{"b":1}]}}`, ""},
		{"/at/a~1b", `1.50`, `{"apiKey":"k","at":{"a/b":1.50,"list":["a",{"b":1}]}}`, ""},
		{"/new/in/it", `true`, `{"apiKey":"k","at":{"a/b":null,"list":["a",{"b":1}]},"new":{"in":{"it":true}}}`, ""},
		{"/at/a~1b/c", `[]`, `{"apiKey":"k","at":{"a/b":{"c":[]},"list":["a",{"b":1}]}}`, ""},
		{"/at/list/0", `null`, `{"apiKey":"k","at":{"a/b":null,"list":[null,{"b":1}]}}`, ""},
		{"/at/list/1/b", `2`, `{"apiKey":"k","at":{"a/b":null,"list":["a",{"b":2}]}}`, ""},
		{"/at/list/2", `"c"`, `{"apiKey":"k","at":{"a/b":null,"list":["a",{"b":1},"c"]}}`, ""},
		{"/at/list/3", `"d"`, "", "/at/list/3: the next element of the array is 2, or -"},
		{"/at/list/x", `"d"`, "", "/at/list/x: the next element of the array is 2, or -"},
		{"/at/list/-", `"d"`, `{"apiKey":"k","at":{"a/b":null,"list":["a",{"b":1},"d"]}}`, ""},
		{"/at/list/-/b", `2`, `{"apiKey":"k","at":{"a/b":null,"list":["a",{"b":1},{"b":2}]}}`, ""},
		{"/apiKey/of", `1`, "", "/apiKey is a value of its own, in which there is no /apiKey/of"},
		{"apiKey", `1`, "", `a JSON pointer begins with "/", such as /apiKey`},
		{"", `1`, "", `a JSON pointer begins with "/", such as /apiKey`},
		{"/apiKey", "", `{"at":{"a/b":null,"list":["a",{"b":1}]}}`, ""},
		{"/at/a~1b", "", `{"apiKey":"k","at":{"list":["a",{"b":1}]}}`, ""},
		{"/at/list/1/b", "", `{"apiKey":"k","at":{"a/b":null,"list":["a",{}]}}`, ""},
		{"/apikey", "", "", "there is no /apikey; did you mean apiKey?"},
		{"/at/none/b", "", "", "there is no /at/none"},
		{"/at/list/0", "", "", "/at/list/0 is an element of an array: set the whole array"},
		{"/at/list/2", "", "", "there is no /at/list/2"},
		{"/apiKey/of", "", "", "there is no /apiKey/of"},
	} {
		root, err := DecodeJSON([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		if tt.value == "" {
			err = UnsetJSON(root, tt.pointer)
		} else {
			value, decodeErr := DecodeJSON([]byte(tt.value))
			if decodeErr != nil {
				t.Fatal(decodeErr)
			}
			root, err = SetJSON(root, tt.pointer, value)
		}
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s = %s: %v, want %s", tt.pointer, tt.value, err, tt.err)
			}
			continue
		}
		got, encodeErr := EncodeJSON(root)
		if err != nil || encodeErr != nil || string(got) != tt.want {
			t.Errorf("%s = %s: %s, %v, want %s", tt.pointer, tt.value, got, err, tt.want)
		}
	}
}
