// Package table reads the rows of files that are not plain text: XLSX workbooks, NDJSON and Parquet. Each reader gives
// records of text under a header, one at a time in bounded memory; what a column means is for its caller. A reader never
// panics, whatever the bytes are.
package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"plinth"
)

// Reader reads a table. Many goroutines must not use one.
type Reader interface {
	// Header is what the columns are called.
	Header() []string
	// Read returns the next record, one text per column. A record at fault is *Broken, after which reading goes on;
	// io.EOF ends the table.
	Read() ([]string, error)
	// Row is the number of the record read last, the header being 1 where the file has one.
	Row() uint64
	// Close frees what the reader holds.
	Close() error
}

// Broken says what is wrong with one record.
type Broken struct{ Reason, Raw string }

func (b *Broken) Error() string { return b.Reason }

// Format is what a file is.
type Format string

// The formats. CSV is read by package pipelines itself.
const (
	CSV     Format = "csv"
	XLSX    Format = "xlsx"
	NDJSON  Format = "ndjson"
	Parquet Format = "parquet"
)

// Sniff tells a file's format by its first bytes, never by its name.
func Sniff(head []byte) Format {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return XLSX
	case bytes.HasPrefix(head, []byte("PAR1")):
		return Parquet
	case bytes.HasPrefix(text, []byte("{")):
		return NDJSON
	}
	return CSV
}

// Options say what of a file is read.
type Options struct {
	Columns []string // that the caller needs: NDJSON has no header of its own
	Strict  bool     // whether another key than Columns breaks an object of NDJSON
	Sheet   string   // of a workbook; the first when empty
}

// Limits of what is read.
const (
	maxSpool  = 1 << 30 // bytes of a Parquet file or workbook, which are read from their end
	maxColumn = 4096
	maxLine   = 1 << 20
)

// Open reads r in a format other than CSV.
func Open(r io.Reader, f Format, o Options) (Reader, error) {
	if f == NDJSON {
		return newLines(r, o), nil
	}
	file, err := spool(r)
	if err != nil {
		return nil, err
	}
	var t Reader
	err = guarded(func() (err error) {
		if f == Parquet {
			t, err = newParquet(file)
		} else {
			t, err = newXLSX(file, o.Sheet)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, discard(file))
	}
	return t, nil
}

// spool copies r to a file that is gone when it is closed.
func spool(r io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "plinth-import-*")
	if err != nil {
		return nil, fmt.Errorf("spool the file: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, maxSpool+1))
	switch {
	case err != nil:
		err = plinth.Errorf(plinth.ErrInvalid, "the file could not be read to its end: %w", err)
	case n > maxSpool:
		err = plinth.Errorf(plinth.ErrExhausted, "a file of this kind has at most %d bytes", maxSpool)
	}
	if err != nil {
		return nil, errors.Join(err, discard(f))
	}
	return f, nil
}

func discard(f *os.File) error { return errors.Join(f.Close(), os.Remove(f.Name())) }

// guarded runs f. A file is from outside: what makes a library give up makes the file invalid.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = plinth.Errorf(plinth.ErrInvalid, "the file is not as its format says: %v", p)
		}
	}()
	return f()
}
