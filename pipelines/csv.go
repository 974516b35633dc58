package pipelines

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"plinth"
	"plinth/pipelines/table"
)

// MaxRecord is the most bytes one CSV record may have.
const MaxRecord = 1 << 20

// csvReader reads CSV (RFC 4180) record by record in bounded memory. Unlike encoding/csv it goes on after a broken
// record: the record's first line is reported, and reading resumes at the next line.
type csvReader struct {
	in    *bufio.Reader
	comma byte
	row   uint64 // records read, the header included
}

func unreadable(err error) error {
	return plinth.Errorf(plinth.ErrInvalid, "the file could not be read to its end: %w", err)
}

// errRecord says what is wrong with one record; reading may go on.
type errRecord = table.Broken

// newCSV reads r as UTF-8, as UTF-16 when it begins with its mark, or as GB 18030 when its first part is valid as that
// and not as UTF-8.
func newCSV(r io.Reader, comma byte) (*csvReader, error) {
	const look = 64 << 10
	in := bufio.NewReaderSize(r, look)
	head, err := in.Peek(look)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, unreadable(err)
	}
	return &csvReader{in: bufio.NewReaderSize(decoded(in, head), 2*MaxRecord), comma: comma}, nil
}

func decoded(in *bufio.Reader, head []byte) io.Reader {
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		_, _ = in.Discard(3) // they were peeked at
		return in
	case bytes.HasPrefix(head, []byte("\xFF\xFE")), bytes.HasPrefix(head, []byte("\xFE\xFF")):
		return transform.NewReader(in, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case utf8.Valid(whole(head)) || !gb18030(head):
		return in
	}
	return transform.NewReader(in, simplifiedchinese.GB18030.NewDecoder())
}

// whole cuts a rune that the end of head divides.
func whole(head []byte) []byte {
	for i := 1; i <= utf8.UTFMax && i <= len(head); i++ {
		if c := head[len(head)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(head[len(head)-i:]) {
				return head[:len(head)-i]
			}
			break
		}
	}
	return head
}

func gb18030(head []byte) bool {
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(head)
	return err == nil && bytes.Count(out, []byte("\uFFFD")) <= 1 // one may be a character that the end of head divides
}

// Read returns the next record's fields. A broken record is *errRecord; io.EOF ends the file.
func (c *csvReader) Read() ([]string, error) {
	for {
		record, err := c.parse()
		if err == nil && len(record) == 1 && record[0] == "" {
			continue // an empty line
		}
		if !errors.Is(err, io.EOF) {
			c.row++
		}
		return record, err
	}
}

// Row is the number of the record read last, the header being 1.
func (c *csvReader) Row() uint64 { return c.row }

// parse looks at what is buffered and takes one record, or one line when the record is broken.
func (c *csvReader) parse() ([]string, error) {
	for size := 64 << 10; ; size = min(2*size, MaxRecord) {
		b, err := c.in.Peek(size)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, unreadable(err)
		}
		last := errors.Is(err, io.EOF)
		if len(b) == 0 {
			return nil, io.EOF
		}
		fields, n, reason := split(b, c.comma, last)
		switch {
		case reason != "":
			return nil, c.broken(b, reason)
		case n > 0:
			_, err := c.in.Discard(n)
			return fields, err
		case last:
			return nil, c.broken(b, "a quote that opens here is not closed before the end of the file")
		case size == MaxRecord:
			return nil, c.broken(b, fmt.Sprintf("a record has at most %d bytes: a quote that opens here may not be closed", MaxRecord))
		}
	}
}

// broken skips the first line of b, to its end even where b is too short to hold it.
func (c *csvReader) broken(b []byte, reason string) error {
	line, _, whole := bytes.Cut(b, []byte("\n"))
	bad := &errRecord{Reason: reason, Raw: clip(string(line), MaxDeadPayload)}
	skip := len(line)
	if whole {
		skip++
	}
	if _, err := c.in.Discard(skip); err != nil {
		return unreadable(err)
	}
	for !whole {
		_, err := c.in.ReadSlice('\n')
		if whole = err == nil || errors.Is(err, io.EOF); !whole && !errors.Is(err, bufio.ErrBufferFull) {
			return unreadable(err)
		}
	}
	return bad
}

// split takes one record off b and returns how many bytes it has; 0 when b ends within it. last says that b is the end
// of the file.
func split(b []byte, comma byte, last bool) (fields []string, n int, reason string) {
	for i := 0; ; {
		field, next, end, reason := splitField(b, i, comma, last)
		if reason != "" || next < 0 {
			return nil, 0, reason
		}
		fields = append(fields, field)
		if end {
			return fields, next, ""
		}
		i = next
	}
}

// splitField takes one field off b at i. next is -1 when b ends within it; end says that the record ends with it.
func splitField(b []byte, i int, comma byte, last bool) (field string, next int, end bool, reason string) {
	if i < len(b) && b[i] == '"' {
		return splitQuoted(b, i+1, comma, last)
	}
	for j := i; j < len(b); j++ {
		switch b[j] {
		case comma:
			return string(b[i:j]), j + 1, false, ""
		case '\n':
			return string(bytes.TrimSuffix(b[i:j], []byte("\r"))), j + 1, true, ""
		}
	}
	if last {
		return string(bytes.TrimSuffix(b[i:], []byte("\r"))), len(b), true, ""
	}
	return "", -1, false, ""
}

func splitQuoted(b []byte, i int, comma byte, last bool) (field string, next int, end bool, reason string) {
	var out []byte
	for {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return "", -1, false, ""
		}
		out = append(out, b[i:i+j]...)
		i += j + 1
		rest := b[i:]
		switch {
		case len(rest) == 0 && last:
			return string(out), i, true, ""
		case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r' && !last:
			return "", -1, false, ""
		case rest[0] == '"':
			out = append(out, '"')
			i++
		case rest[0] == comma:
			return string(out), i + 1, false, ""
		case rest[0] == '\n':
			return string(out), i + 1, true, ""
		case rest[0] == '\r' && len(rest) == 1:
			return string(out), i + 1, true, ""
		case rest[0] == '\r' && rest[1] == '\n':
			return string(out), i + 2, true, ""
		default:
			return "", 0, false, "something follows a closing quote"
		}
	}
}
