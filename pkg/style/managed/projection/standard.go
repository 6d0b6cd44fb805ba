package projection

import (
	"encoding/json"

	"github.com/dam-delivery/dz/pkg/catalogue/metadata"
	"github.com/dam-delivery/dz/pkg/rawjson"
)

// wellKnown are the members of Digizuite's asset object ("Getting assets by
// Id", DC 5.10) that are no metadata, what other DAMs call theirs, and the guids
// of Digizuite's metadata fields that are the title and the description.
var wellKnown = metadata.NewNames(
	"itemType", "assetType", "assetId", "itemId", "itemGuid", "derivedFrom", "replacedWith", "uploadMemberId", "hasWriteAccess",
	"fileSize", "fileExtension", "uploadDate", "lastModified", "title", "description", "cropName", "height", "width", "hashSha1",
	"duration", "thumbnailUrl", "largeThumbnailUrl", "videoUrl", "audioUrl", "pdfUrl", "sourceLocationFileName",
	"originalFileName", "transcodes", "lockInfo",
	"5eb3eefc-a043-410f-89b0-29ed3ef37078", "c8bb4af3-1598-4ea4-8d7a-98d54eead977",
	"name", "subtitle", "caption", "altText", "alt_text", "type", "mimeType", "mime_type", "extension", "filename", "file_name",
	"filename_download", "filesize", "file_size", "size", "checksum", "hash", "refnr", "streamtype",
)

// Standard reports whether a change of the field is one of what every endpoint
// gets: of a member of the object that is sent, its metadata apart, or of one
// that well-known DAMs have, also where it is absent now. A member that is
// ignored is none.
func (p *Projection) Standard(sent json.RawMessage, field string) bool {
	name := []byte(field)
	if metadata.IsContainer(name) || p.ignore.match(name) {
		return false
	}
	if wellKnown.Has(name) {
		return true
	}
	object, err := rawjson.Parse(sent)
	if err != nil {
		return false // what is no JSON has no members
	}
	wanted := metadata.NewNames(field)
	for m := range object.Members {
		if wanted.Has(m.Name) {
			return true
		}
	}
	return false
}

// Asked reports whether the field is one of the additional metadata fields.
func (p *Projection) Asked(field string) bool { return p.fields.Has([]byte(field)) }

// Holds reports whether the metadata in the object that is sent, which is nothing
// but what was asked for, has the field: by its name, guid or id, whichever of
// them it was asked for by.
func (p *Projection) Holds(sent json.RawMessage, field string) bool {
	object, err := rawjson.Parse(sent)
	if err != nil || object[0] != '{' {
		return false
	}
	_, found := metadata.Find(object, metadata.NewNames(field))
	return found
}
