package pipelines

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"plinth"
)

// LoadFolder declares what the *.yaml files of a folder declare. A file is taken when its content is new: what is changed
// afterwards by a person stays until the file changes. A file with a fault is told in the log, with its line, and the
// pipeline stays as it was; a file that is taken away leaves its pipeline, which can be paused.
func (b *Board) LoadFolder(ctx context.Context, folder string) error {
	if folder == "" {
		return nil // this instance only follows
	}
	names, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return err
	}
	all, err := b.Store.Pipelines(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := b.loadFile(ctx, name, all); err != nil {
			return err
		}
	}
	return nil
}

// loadFile takes one file; it returns only what is not the file's fault.
func (b *Board) loadFile(ctx context.Context, name string, all []Pipeline) error {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	if b.faulty[hash] || slices.ContainsFunc(all, func(p Pipeline) bool { return p.FileHash == hash }) {
		return nil
	}
	if err == nil {
		err = b.declareFile(ctx, data, hash)
	}
	if errors.Is(err, plinth.ErrUnavailable) || ctx.Err() != nil {
		return err
	}
	if err != nil {
		if b.faulty == nil {
			b.faulty = map[string]bool{}
		}
		b.faulty[hash] = true
		b.Log.WarnContext(ctx, "declaration of a pipeline not taken", "file", filepath.Base(name), "err", err)
	}
	return nil
}

func (b *Board) declareFile(ctx context.Context, data []byte, hash string) error {
	d, err := ParseDeclaration(data)
	if err != nil {
		return err
	}
	p := Pipeline{Declaration: d, Origin: ByFile, FileHash: hash}
	if err := b.check(ctx, &p); err != nil {
		return err
	}
	err = b.put(ctx, plinth.Principal{Account: "service"}, &p, "declared")
	if errors.Is(err, plinth.ErrConflict) {
		return nil // another instance has just taken the file
	}
	return err
}
