package event

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// A line that scan takes is read as encoding/json reads it.
func scansAsJSON(t *testing.T, text string) (taken bool) {
	t.Helper()
	var got wire
	var d wireData
	hasData, ok := scan([]byte(text), &got, &d)
	if !ok {
		return false
	}
	if hasData {
		got.Data = &d
	}
	want, err := unmarshal([]byte(text))
	if err != nil {
		t.Fatalf("scan takes %q, encoding/json says %v", text, err)
	}
	if !reflect.DeepEqual(&got, want) {
		t.Fatalf("of %q scan makes\n%+v %+v, encoding/json\n%+v %+v", text, got, got.Data, want, want.Data)
	}
	return true
}

func TestWhatIsScannedAndWhatIsLeftToJSON(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return `"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) }
	for text, want := range map[string]bool{
		line(""): true,
		" {\t\"id\" : \"1\" ,\r\n\"source\":\"s\",\"type\":\"x\",\"time\":\"t\",\"subject\":\"u\",\"data\": { \"itemId\" : 5 } } ": true,
		line(`"baseId":"a","changedFields":["t",1,null],"formats":[],"channels":[ 7 ]`):                                            true,
		line(`"user":null,"changedFields":null,"reason":null,"asset":null,"session":-7,"domain":0`):                                true,
		line(`"streamtype":"a\/b","refnr":"\u00e9\n\"","reason":"Größe","user":"\/x","x":"\ud800\\"`):                              true,
		line(`"asset": {"a":[1,-0.5,1e9,2E-7,true,false,null,{"b":{}},"\t"]} ,"comment":"c"`):                                      true,
		line(`"domain":-0`):        true,
		line(nested(maxDepth - 2)): true,
		`{"data":null}`:            true,
		`{}`:                       true,

		line(nested(maxDepth - 1)): false,
		line(`"itemId":6`):         false,
		line(`"ITEMID":6`):         false,
		line(`"ba\u0073eId":6`):    false,
		line(`"größe":6`):          false,
		line(`"Reason":"delete"`):  false,
		line(`"reason":5`):         false,
		line(`"baseId":1.5`):       false,
		line(`"baseId":""`):        false,
		line(`"baseId":"\ud800"`):  false,
		line(`"formats":[1,]`):     false,
		line(`"formats":7`):        false,
		line(`"x":01`):             false,
		line(`"x":.5`):             false,
		line(`"x":5.`):             false,
		line(`"x":1e`):             false,
		line(`"x":"\x"`):           false,
		line(`"x":"\u12g4"`):       false,
		line(`"x":"` + "\n" + `"`): false,
		line(`"x":nul`):            false,
		line(`"x"`):                false,
		line(`"x":1,`):             false,
		line("") + "x":             false,
		`{"data":{},"data":{}}`:    false,
		`{"Data":{}}`:              false,
		`{"id":"1"`:                false,
		`{"id":"1`:                 false,
		`{"id":"1\`:                false,
		`{"id":"1","id":"2"}`:      false,
		`{"id":"1" "source":"2"}`:  false,
		`[]`:                       false,
		``:                         false,
		`null`:                     false,
		line(`"changedFields":[],"changedFields":["a"]`): false,
		line(`"asset":null,"asset":{}`):                  false,
	} {
		if taken := scansAsJSON(t, text); taken != want {
			t.Errorf("%s: scanned %v, want %v", text, taken, want)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		line(""), line(`"baseId":"x","reason":"delete","asset":{"a":[1,2e5,"\n"]},"changedFields":["t",1,null]`),
		line(`"formats":[1,"2"],"channels":[],"user":"\/x","session":-0,"domain":null,"streamtype":"ä","refnr":"\u00e9"`),
		`{"id":"1","source":"s","type":"x","time":"t","subject":"u","x":{"y":[true,false,null,-1.5E+7]},"data":null}`,
		`{"id":"1","ID":"2","data":{"itemId":1,"itemid":2},"data":{"user":"\ud83d\ude00"}}`, "[]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) {
			scansAsJSON(t, text)
		}
	})
}
