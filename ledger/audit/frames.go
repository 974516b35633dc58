package audit

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Files of a folder that hold many objects are sequences of frames: four bytes of length, big-endian, then the object.
// They are only ever appended to.

// errCut means that a file ends inside an object.
var errCut = errors.New("it is cut short")

// frames reads a file of frames.
type frames struct {
	f     *os.File
	r     *bufio.Reader
	limit int
	at    int64 // offset of the next frame
}

// openFrames opens a file at the offset of a frame. A file that is not there has no frames.
func openFrames(path string, at int64, limit int) (*frames, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return &frames{r: bufio.NewReader(eof{})}, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &frames{f: f, r: bufio.NewReaderSize(f, 1<<18), limit: limit, at: at}, nil
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// next returns the next object, io.EOF after the last.
func (r *frames) next() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r.r, head[:]); err == io.EOF {
		return nil, io.EOF
	} else if err != nil {
		return nil, cut(err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || uint64(n) > uint64(r.limit) {
		return nil, fmt.Errorf("its length is said to be %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		return nil, cut(err)
	}
	r.at += 4 + int64(n)
	return b, nil
}

func cut(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}

func (r *frames) close() {
	if r.f != nil {
		r.f.Close()
	}
}

// Frame returns an object as it stands in a file.
func Frame(object []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(object))), object...)
}
