package table

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"plinth"
)

// What a workbook may unpack to, and what of one part may be in memory: a larger sheet is read from a file.
const (
	maxUnzipped = 1 << 30
	maxInMemory = 16 << 20
)

// xlsx streams one sheet of a workbook. Cells are as they are stored: a date is its serial day, counted from 1899-12-30.
type xlsx struct {
	file   *os.File
	book   *excelize.File
	rows   *excelize.Rows
	header []string
	row    uint64
}

func newXLSX(file *os.File, sheet string) (*xlsx, error) {
	book, err := excelize.OpenFile(file.Name(), excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnzipped,
		UnzipXMLSizeLimit: maxInMemory})
	if err != nil {
		return nil, plinth.Errorf(plinth.ErrInvalid, "the file is no workbook that can be read: %w", err)
	}
	x := &xlsx{file: file, book: book}
	if err := x.open(sheet); err != nil {
		return nil, errors.Join(err, book.Close())
	}
	return x, nil
}

func (x *xlsx) open(sheet string) error {
	names := x.book.GetSheetList()
	if sheet == "" && len(names) > 0 {
		sheet = names[0]
	}
	props, err := x.book.GetWorkbookProps()
	if err != nil {
		return plinth.Errorf(plinth.ErrInvalid, "the workbook's properties cannot be read: %w", err)
	}
	if props.Date1904 != nil && *props.Date1904 {
		return plinth.Invalid("sheet", "the workbook counts its days from 1904; save it with the usual count from 1900")
	}
	if x.rows, err = x.book.Rows(sheet); err != nil {
		return plinth.Invalid("sheet", "there is no sheet %.64q; there are %.500q", sheet, strings.Join(names, ", "))
	}
	for x.header == nil {
		cells, err := x.next()
		if errors.Is(err, io.EOF) {
			return plinth.Invalid("header", "the sheet is empty")
		}
		if err != nil {
			return err
		}
		if x.header = cells; len(cells) > maxColumn {
			return plinth.Invalid("header", "a sheet has at most %d columns", maxColumn)
		}
	}
	return nil
}

// next returns the next row's cells without the empty ones at its end; nil for an empty row.
func (x *xlsx) next() (cells []string, err error) {
	err = guarded(func() error {
		if !x.rows.Next() {
			if err := x.rows.Error(); err != nil {
				return plinth.Errorf(plinth.ErrInvalid, "the sheet could not be read to its end: %w", err)
			}
			return io.EOF
		}
		x.row++
		cells, err = x.rows.Columns()
		return err
	})
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) == 0 {
		cells = nil
	}
	return cells, err
}

// Header implements Reader.
func (x *xlsx) Header() []string { return x.header }

// Row implements Reader.
func (x *xlsx) Row() uint64 { return x.row }

// Read implements Reader.
func (x *xlsx) Read() ([]string, error) {
	for {
		cells, err := x.next()
		switch {
		case err != nil:
			return nil, err
		case cells == nil:
			continue
		case len(cells) > len(x.header):
			return nil, &Broken{Reason: fmt.Sprintf("the row has %d cells, the header %d", len(cells), len(x.header)), Raw: strings.Join(cells, ",")}
		}
		for i, c := range cells {
			cells[i] = tidy(c)
		}
		return append(cells, make([]string, len(x.header)-len(cells))...), nil
	}
}

// tidy writes a number that is stored with an exponent, as ids of many digits are, as it is typed.
func tidy(s string) string {
	if !strings.ContainsAny(s, "eE") || len(s) > 32 {
		return s
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != float64(int64(f)) || f >= 1<<53 || f <= -(1<<53) {
		return s
	}
	return strconv.FormatInt(int64(f), 10)
}

// Close implements Reader.
func (x *xlsx) Close() error { return errors.Join(x.rows.Close(), x.book.Close(), discard(x.file)) }
