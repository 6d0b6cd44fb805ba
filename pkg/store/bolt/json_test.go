package bolt

import "testing"

// spoiler spoils what is behind it as it is read.
type spoiler struct{ record []byte }

func (s *spoiler) UnmarshalJSON([]byte) error {
	for i := len(s.record) / 2; i < len(s.record); i++ {
		s.record[i] = '\\'
	}
	return nil
}

func TestARecordThatIsSpoiledWhileItIsReadIsReadAsItWas(t *testing.T) {
	t.Parallel()
	record := []byte(`{"first":1,"second":{"name":"shop"}}`)
	got := struct {
		First  spoiler
		Second struct{ Name string }
	}{First: spoiler{record}}
	if err := decodeJSON(record, &got); err != nil || got.Second.Name != "shop" || record[len(record)-1] != '\\' {
		t.Errorf("read %+v, %v", got.Second, err)
	}
}
