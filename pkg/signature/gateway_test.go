package signature

import "testing"

func TestGatewaySecret(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		itemID        string
		created, sent int64
		secret        string
		separator     string
		want          string // of md5sum
	}{
		{"12345", 1670000000, 1670000005, "s3cr3t", "", "a7353045ef321ba02a4fb9ce525b0a90"},
		{"12345", 1670000000, 1670000005, "s3cr3t", ",", "16aa368bd44cb90c8fa20001e4ce0a87"},
		{"967567", 1669990000, 1669990012, "pä€", "||", "d938d5bd1cddfe224c7118a5f70d1870"},
		{"", 0, 0, "", "", "b4b147bc522828731f1a016bfa72c073"},
		{"a,b", -1, 1, "", "", "c9b0b62885662807078047f22b2d5a64"},
	} {
		if got := GatewaySecret(c.itemID, c.created, c.sent, c.secret, c.separator); got != c.want {
			t.Errorf("item %q, joined by %q: %s, want %s", c.itemID, c.separator, got, c.want)
		}
	}
}
