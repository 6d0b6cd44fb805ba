package bolt

import "encoding/binary"

// words are what most records say of an event: kinds, types and reasons. A
// record has their number, counted from 1, and any other word after a 0. So none
// may ever be moved or taken out; new ones come at the end.
var words = [...]string{
	"asset", "metafield", "treeValue", "comboValue",

	"AssetCreated", "AssetDeleted", "AssetExternalProccessingFinished", "AssetFolderUpdated",
	"AssetLocationStateUpdated", "AssetMetadataUpdated", "AssetProfilePublished", "AssetSecurityUpdated",
	"AssetUploadFinished",
	"MetafieldCreated", "MetafieldDeleted", "MetafieldMetadataUpdated", "MetafieldSecurityUpdated",
	"TreeValueCreated", "TreeValueDeleted", "TreeValueMetadataUpdated", "TreeValueSecurityUpdated",
	"ComboValueCreated", "ComboValueDeleted", "ComboValueMetadataUpdated", "ComboValueSecurityUpdated",

	"encoded", "thumb", "caption", "metadata", "connecteditems", "expired", "deactivate", "delete",
	"archive", "restore", "tocoldstorage", "fromcoldstorage", "approved", "claimed", "rejected",
	"newversion", "childrenchanged", "linkhasdata", "linkhasnodata", "exportcompleted",
	"exportupdated", "exportdeleted",
}

// wordCodes is the reverse of words.
var wordCodes = func() map[string]uint64 {
	codes := make(map[string]uint64, len(words))
	for i, word := range words {
		codes[word] = uint64(i) + 1
	}
	return codes
}()

func appendWord(buf []byte, word string) []byte {
	if code, ok := wordCodes[word]; ok {
		return binary.AppendUvarint(buf, code)
	}
	return appendString(append(buf, 0), word)
}
