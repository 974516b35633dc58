package table

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"plinth"
)

// maxChunk bounds what one column of one row group unpacks to: a page of it may be in memory whole.
const maxChunk = 256 << 20

// columnar reads the flat columns of a Parquet file, row group by row group.
type columnar struct {
	file    *os.File
	header  []string
	text    []func(parquet.Value) string
	groups  []parquet.RowGroup
	rows    parquet.Rows
	buf     [64]parquet.Row
	n, next int
	row     uint64
}

func newParquet(file *os.File) (*columnar, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	f, err := parquet.OpenFile(file, info.Size(), parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return nil, plinth.Errorf(plinth.ErrInvalid, "the file is no Parquet that can be read: %w", err)
	}
	for _, g := range f.Metadata().RowGroups {
		for _, c := range g.Columns {
			if c.MetaData.TotalUncompressedSize > maxChunk || c.MetaData.TotalUncompressedSize < 0 {
				return nil, plinth.Invalid("file", "a column of a row group unpacks to more than %d bytes; write smaller row groups", maxChunk)
			}
		}
	}
	c := &columnar{file: file, groups: f.RowGroups(), row: 1}
	return c, c.columns(f.Schema())
}

func (c *columnar) columns(s *parquet.Schema) error {
	paths := s.Columns()
	if len(paths) > maxColumn {
		return plinth.Invalid("header", "a file has at most %d columns", maxColumn)
	}
	for _, path := range paths {
		name := strings.Join(path, ".")
		leaf, ok := s.Lookup(path...)
		if !ok || leaf.MaxRepetitionLevel > 0 {
			return plinth.Invalid("header", "the column %.64q has many values in a row, which a table has not", name)
		}
		text := asText(leaf.Node)
		if text == nil {
			return plinth.Invalid("header", "the column %.64q holds decimals; write them as doubles or text", name)
		}
		c.header, c.text = append(c.header, name), append(c.text, text)
	}
	return nil
}

// asText says how a column's values are written: times in RFC 3339, everything else as the format shows it; nil when it
// cannot.
func asText(n parquet.Node) func(parquet.Value) string {
	if l := n.Type().LogicalType(); l != nil {
		switch l := l.Value.(type) {
		case *format.TimestampType:
			unit := time.Nanosecond
			switch l.Unit.Value.(type) {
			case *format.MilliSeconds:
				unit = time.Millisecond
			case *format.MicroSeconds:
				unit = time.Microsecond
			}
			return func(v parquet.Value) string { return instant(v.Int64(), unit) }
		case *format.DateType:
			return func(v parquet.Value) string {
				return time.Unix(0, 0).UTC().AddDate(0, 0, int(v.Int32())).Format(time.DateOnly)
			}
		case *format.DecimalType:
			return nil
		}
	}
	switch n.Type().Kind() {
	case parquet.Double:
		return func(v parquet.Value) string { return strconv.FormatFloat(v.Double(), 'g', -1, 64) }
	case parquet.Float:
		return func(v parquet.Value) string { return strconv.FormatFloat(float64(v.Float()), 'g', -1, 32) }
	}
	return parquet.Value.String
}

func instant(n int64, unit time.Duration) string {
	perSecond := int64(time.Second / unit)
	return time.Unix(n/perSecond, n%perSecond*int64(unit)).UTC().Format(time.RFC3339Nano)
}

// Header implements Reader.
func (c *columnar) Header() []string { return c.header }

// Row implements Reader.
func (c *columnar) Row() uint64 { return c.row }

// Read implements Reader.
func (c *columnar) Read() (record []string, err error) {
	err = guarded(func() error {
		if c.next == c.n {
			if err := c.fill(); err != nil {
				return err
			}
		}
		c.row++
		record = make([]string, len(c.header))
		for _, v := range c.buf[c.next] {
			if i := v.Column(); !v.IsNull() && i >= 0 && i < len(record) {
				record[i] = c.text[i](v)
			}
		}
		c.next++
		return nil
	})
	return record, err
}

// fill reads the next rows of this row group or of one that follows.
func (c *columnar) fill() error {
	for c.n, c.next = 0, 0; c.n == 0; {
		if c.rows == nil {
			if len(c.groups) == 0 {
				return io.EOF
			}
			c.rows, c.groups = c.groups[0].Rows(), c.groups[1:]
		}
		n, err := c.rows.ReadRows(c.buf[:])
		if c.n = n; err == nil {
			continue
		}
		closed := c.rows.Close()
		c.rows = nil
		if !errors.Is(err, io.EOF) {
			return plinth.Errorf(plinth.ErrInvalid, "the file could not be read to its end: %w", errors.Join(err, closed))
		}
	}
	return nil
}

// Close implements Reader.
func (c *columnar) Close() error {
	if c.rows != nil {
		_ = c.rows.Close() // nothing was written
	}
	return discard(c.file)
}
