package audit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// checkReceipts verifies every receipt in the folder as its holder would, and that the log has its entry at its place.
func (a *audit) checkReceipts() (int64, error) {
	files, err := fs.Glob(os.DirFS(a.dir), ReceiptsDir+"/*.tlog-proof")
	if err != nil {
		return 0, err
	}
	for i, name := range files {
		b, err := readSmall(filepath.Join(a.dir, filepath.FromSlash(name)))
		if err == nil {
			err = a.checkReceipt(b)
		}
		if err != nil {
			return int64(i), bad(StageReceipts, "receipt "+filepath.Base(name), "%v", err)
		}
		a.progress(StageReceipts, int64(i+1), int64(len(files)))
	}
	return int64(len(files)), nil
}

func (a *audit) checkReceipt(file []byte) error {
	p := a.policy
	p.LogKeys = a.logKeys
	v, err := ledger.Verify(file, p)
	if err != nil {
		return err
	}
	log, ok := a.byName[v.Checkpoint.Origin]
	if !ok {
		return errors.New("it is of another log")
	}
	r, err := ledger.ParseReceipt(file)
	if err != nil {
		return err
	}
	leaf, err := readHash(filepath.Join(a.dir, string(log.Origin), HashesFile(0)), v.Index)
	if err != nil || leaf != ledger.Leaf(r.Entry) {
		return errors.New("the log has another entry at its place")
	}
	return nil
}

func readHash(path string, n int64) (h tlog.Hash, err error) {
	f, err := os.Open(path)
	if err != nil {
		return h, err
	}
	defer f.Close()
	_, err = f.ReadAt(h[:], n*hashSize)
	return h, err
}
