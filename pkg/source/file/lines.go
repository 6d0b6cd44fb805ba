package file

import (
	"bytes"
	"encoding/json"

	"github.com/dam-delivery/dz/pkg/event"
)

// longestLine is what the longest line takes up with its end, CR and LF.
const longestLine = event.MaxLineLength + 2

// byteOrderMark may stand at the beginning of a UTF-8 file.
const byteOrderMark = "\xef\xbb\xbf"

// piece is what stands at the beginning of some bytes.
type piece struct {
	skip  int    // bytes before the line that belong to none
	line  []byte // without its end; nil if it does not end here
	total int    // what skip, line and end take up; 0 if the line does not end here
}

// cut finds the first line of data; first says that data begins a file.
//
// NUL bytes before a line belong to none. A file has them if it was truncated
// under a writer that did not open it for appending (the writer goes on at its
// old offset and leaves a hole), or if the machine crashed before it wrote the
// file's last blocks.
func cut(data []byte, first bool) piece {
	var p piece
	if first && bytes.HasPrefix(data, []byte(byteOrderMark)) {
		p.skip = len(byteOrderMark)
	}
	for p.skip < len(data) && data[p.skip] == 0 {
		p.skip++
	}
	n := bytes.IndexByte(data[p.skip:], '\n')
	if n < 0 {
		return p
	}
	p.line = bytes.TrimSuffix(data[p.skip:p.skip+n], []byte{'\r'})
	p.total = p.skip + n + 1
	return p
}

// isBlank reports whether a line has nothing to say.
func isBlank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

// isWhole reports whether an unterminated line is a whole JSON object. Then
// nothing but white space can follow it on its line.
func isWhole(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) > 1 && line[0] == '{' && line[len(line)-1] == '}' && json.Valid(line)
}
