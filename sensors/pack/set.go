package pack

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"plinth/sensors"
)

//go:embed packs/*.yaml
var shipped embed.FS

// BuiltIn is the origin of the packs that ship with the service.
const BuiltIn = "built in"

// Set is the packs in force, one per kind.
type Set struct{ byKind map[string]*Pack }

// Load returns the packs that ship with the service and those in a folder, where a file of a kind that ships takes its
// place. It reports every fault of every file at once. No folder is no fault.
func Load(dir string) (*Set, error) {
	s := &Set{byKind: map[string]*Pack{}}
	inside, err := fs.Sub(shipped, "packs")
	if err != nil {
		return nil, err
	}
	if err := s.add(inside, "", BuiltIn); err != nil {
		return nil, err
	}
	if dir == "" {
		return s, nil
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	return s, s.add(os.DirFS(dir), dir, "")
}

// add reads the YAML files of a folder.
func (s *Set) add(dir fs.FS, path, origin string) error {
	names, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return err
	}
	var faults Faults
	from := map[string]string{}
	for _, name := range names {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return fmt.Errorf("read pack: %w", err)
		}
		file := filepath.Join(path, name)
		p, err := Parse(file, data)
		if err != nil {
			faults = append(faults, err.(Faults)...)
			continue
		}
		if other := from[p.Kind]; other != "" {
			faults = append(faults, Fault{File: file, Field: "kind", Text: "the kind " + p.Kind + " is that of " + other + " too"})
		}
		if p.Origin = origin; origin == "" {
			p.Origin = name
		}
		from[p.Kind], s.byKind[p.Kind] = file, p
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// Of returns the pack of a kind, or nil. The caller must not change it.
func (s *Set) Of(kind string) *Pack { return s.byKind[kind] }

// All are the packs by kind.
func (s *Set) All() []*Pack {
	out := make([]*Pack, 0, len(s.byKind))
	for _, p := range s.byKind {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *Pack) int { return strings.Compare(a.Kind, b.Kind) })
	return out
}

// Kinds is what the registry completes devices with.
func (s *Set) Kinds() map[string]sensors.Kind {
	out := map[string]sensors.Kind{}
	for kind, p := range s.byKind {
		out[kind] = p.Known()
	}
	return out
}
