package pipelines

import (
	"bufio"
	"errors"
	"io"

	"plinth"
	"plinth/pipelines/table"
)

// openTable reads r in the format that its first bytes show, which it tells, too.
func openTable(r io.Reader, comma byte, o table.Options) (table.Reader, table.Format, error) {
	in := bufio.NewReader(r)
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", unreadable(err)
	}
	f := table.Sniff(head)
	var t table.Reader
	if f == table.CSV {
		t, err = openCSV(in, comma)
	} else {
		t, err = table.Open(in, f, o)
	}
	return t, f, err
}

// csvTable is a CSV file as a table.
type csvTable struct {
	*csvReader
	header []string
}

func openCSV(r io.Reader, comma byte) (*csvTable, error) {
	file, err := newCSV(r, comma)
	if err != nil {
		return nil, err
	}
	header, err := file.Read()
	if errors.Is(err, io.EOF) {
		return nil, plinth.Invalid("header", "the file is empty")
	}
	var broken *errRecord
	if errors.As(err, &broken) {
		return nil, plinth.Invalid("header", "the first line is no header: %s", broken.Reason)
	}
	return &csvTable{file, header}, err
}

// Header implements table.Reader.
func (c *csvTable) Header() []string { return c.header }

// Close implements table.Reader.
func (c *csvTable) Close() error { return nil }
