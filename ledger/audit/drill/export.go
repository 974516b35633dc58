package drill

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/audit"
)

// export is a folder in memory. Files are replaced, never changed in place, so that copies share what is equal.
type export struct {
	files    map[string][]byte
	manifest audit.Manifest
}

// maxExport bounds what is taken into memory.
const maxExport = 1 << 30

func load(dir string) (*export, error) {
	x := &export{files: map[string][]byte{}}
	total := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if total += len(b); total > maxExport {
			err = errors.New("the export is too large to drill with: more than 1 GiB")
		}
		x.files[filepath.ToSlash(name)] = b
		return err
	})
	if err != nil {
		return nil, err
	}
	return x, json.Unmarshal(x.files[audit.ManifestFile], &x.manifest)
}

func (x *export) clone() *export {
	m := x.manifest
	m.Logs, m.Files = slices.Clone(m.Logs), maps.Clone(m.Files)
	return &export{files: maps.Clone(x.files), manifest: m}
}

func (x *export) same(y *export) bool { return maps.EqualFunc(x.files, y.files, bytes.Equal) }

func (x *export) write(dir string) error {
	for name, b := range x.files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// put replaces a file and has the manifest agree, as somebody would who knows of it.
func (x *export) put(name string, b []byte) {
	x.files[name] = b
	x.manifest.Files[name] = int64(len(b))
	x.files[audit.ManifestFile] = x.manifest.Encode()
}

// frames returns the objects of a file.
func (x *export) frames(name string) (out [][]byte) {
	for b := x.files[name]; len(b) >= 4; {
		n := 4 + int(binary.BigEndian.Uint32(b))
		out, b = append(out, b[4:n]), b[n:]
	}
	return out
}

func (x *export) putFrames(name string, objects [][]byte) {
	var b []byte
	for _, o := range objects {
		b = append(b, audit.Frame(o)...)
	}
	x.put(name, b)
}

func (x *export) entries(log *audit.LogManifest) (out [][]byte) {
	for b := x.files[path(log, audit.EntriesFile)]; len(b) >= 2; {
		n := 2 + int(binary.BigEndian.Uint16(b))
		out, b = append(out, b[2:n]), b[n:]
	}
	return out
}

// putTree replaces a log's entries and computes its whole tree anew, as the log itself would.
func (x *export) putTree(log *audit.LogManifest, entries [][]byte) {
	var file []byte
	var levels [][]byte
	var edges [][]tlog.Hash
	var add func(level int, h tlog.Hash)
	add = func(level int, h tlog.Hash) {
		if level == len(levels) {
			levels, edges = append(levels, nil), append(edges, nil)
		}
		levels[level], edges[level] = append(levels[level], h[:]...), append(edges[level], h)
		if len(edges[level]) == 256 {
			full := edges[level]
			edges[level] = nil
			add(level+1, root(full))
		}
	}
	for _, e := range entries {
		file = append(binary.BigEndian.AppendUint16(file, uint16(len(e))), e...)
		add(0, ledger.Leaf(e))
	}
	x.put(path(log, audit.EntriesFile), file)
	for level, b := range levels {
		x.put(path(log, audit.HashesFile(level)), b)
	}
}

// rootOf is the root over a log's first entries.
func rootOf(entries [][]byte) tlog.Hash {
	leaves := make([]tlog.Hash, len(entries))
	for i, e := range entries {
		leaves[i] = ledger.Leaf(e)
	}
	return root(leaves)
}

// root is the Merkle tree hash of RFC 6962 §2.1.
func root(hs []tlog.Hash) tlog.Hash {
	if len(hs) == 1 {
		return hs[0]
	}
	k := 1
	for 2*k < len(hs) {
		k *= 2
	}
	return tlog.NodeHash(root(hs[:k]), root(hs[k:]))
}

func path(log *audit.LogManifest, name string) string { return string(log.Origin) + "/" + name }

func object(log *audit.LogManifest, what string) string { return string(log.Origin) + " " + what }

// receipts are the names of the receipts.
func (x *export) receipts() (out []string) {
	for name := range x.files {
		if strings.HasPrefix(name, audit.ReceiptsDir+"/") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// checkpoint is what an attested checkpoint says.
type checkpoint struct {
	size int64
	root string
	note []byte
}

// attested returns a log's attested checkpoints.
func (x *export) attested(log *audit.LogManifest) (out []checkpoint) {
	for _, b := range x.frames(path(log, audit.CheckpointsFile)) {
		a, err := audit.ParseAttested(b)
		if err != nil {
			return nil
		}
		lines := strings.Split(string(a.Note), "\n")
		var c checkpoint
		if err := json.Unmarshal([]byte(lines[1]), &c.size); err != nil {
			return nil
		}
		c.root, c.note = lines[2], a.Note
		out = append(out, c)
	}
	return out
}
