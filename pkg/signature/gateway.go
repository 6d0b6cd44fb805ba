package signature

import (
	"crypto/md5" //nolint:gosec // the form is the gateway's; dz's own is in standard.go
	"encoding/hex"
	"strconv"
	"strings"
)

// GatewaySecret returns trigger.secret of a ping of the nexxOMNIA Notification
// Gateway: lower-case hex MD5 of the item's id, the two times in whole Unix
// seconds, and the secret, joined by the separator.
//
// It is what the gateway's receivers check, not what one would choose: it says
// nothing of the rest of the ping, and MD5 is broken for much else.
func GatewaySecret(itemID string, created, sent int64, secret, separator string) string {
	joined := strings.Join([]string{
		itemID, strconv.FormatInt(created, 10), strconv.FormatInt(sent, 10), secret,
	}, separator)
	sum := md5.Sum([]byte(joined)) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}
