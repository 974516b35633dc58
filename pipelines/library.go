package pipelines

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"go.yaml.in/yaml/v3"

	"plinth"
)

// Library has the mappings: those that ship and those of a folder of the data, whose files win over shipped ones of the
// same name. Many goroutines may use it.
type Library struct {
	shipped map[string]*Mapping
	folder  string
	log     *slog.Logger
	all     atomic.Pointer[map[string]*Mapping]
	told    map[string]string // the fault of each file that was told
}

// OpenLibrary reads the mappings. A file of the folder with a fault is told in the log, with its line, and left out.
func OpenLibrary(folder string, log *slog.Logger) (*Library, error) {
	shipped, err := Mappings()
	if err != nil {
		return nil, fmt.Errorf("read the mappings: %w", err)
	}
	l := &Library{shipped: shipped, folder: folder, log: log, told: map[string]string{}}
	return l, l.Reload()
}

// All are the mappings now, by name. The caller must not change them.
func (l *Library) All() map[string]*Mapping { return *l.all.Load() }

// Reload reads the folder again. It must not be called by two goroutines at once.
func (l *Library) Reload() error {
	names, err := filepath.Glob(filepath.Join(l.folder, "*.yaml"))
	if err != nil {
		return err
	}
	all := maps.Clone(l.shipped)
	for _, name := range names {
		m, err := readMapping(name)
		if err == nil {
			all[m.Name] = m
			delete(l.told, name)
			continue
		}
		if fault := err.Error(); l.told[name] != fault {
			l.told[name] = fault
			l.log.Warn("mapping not taken", "file", filepath.Base(name), "err", err)
		}
	}
	l.all.Store(&all)
	return nil
}

// maxMapping is the most bytes a mapping's file has.
const maxMapping = 256 << 10

func readMapping(name string) (*Mapping, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(data) > maxMapping {
		return nil, plinth.Errorf(plinth.ErrInvalid, "a mapping has at most %d bytes", maxMapping)
	}
	m, err := ParseMapping(data)
	if err != nil {
		var root yaml.Node
		if broken := yaml.Unmarshal(data, &root); broken != nil {
			return nil, err // the decoder has named the line
		}
		return nil, withLine(&root, err)
	}
	if base := strings.TrimSuffix(filepath.Base(name), ".yaml"); base != m.Name {
		return nil, plinth.Invalid("name", "the file %s.yaml names its mapping %q; both must be the same", base, m.Name)
	}
	return m, nil
}
