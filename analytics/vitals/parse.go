package vitals

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"go.yaml.in/yaml/v3"

	"plinth"
)

//go:embed indicators/*.yaml
var shipped embed.FS

// maxFile bounds one file of indicators.
const maxFile = 1 << 20

// ShippedIndicators are those that come with the service.
func ShippedIndicators() ([]Version, error) {
	return readFolder(shipped, "indicators", Shipped)
}

// SiteIndicators are those of the site's folder; there may be none.
func SiteIndicators(folder string) ([]Version, error) {
	out, err := readFolder(os.DirFS(folder), ".", Site)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return out, err
}

func readFolder(files fs.FS, dir string, origin Origin) ([]Version, error) {
	if _, err := fs.Stat(files, dir); err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, path.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var out []Version
	seen := map[string]string{}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		list, err := Parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		for _, i := range list {
			if other, twice := seen[i.ID]; twice {
				return nil, plinth.Invalid("id", "%s: the indicator %s is in %s already", path.Base(name), i.ID, other)
			}
			seen[i.ID] = path.Base(name)
			out = append(out, Version{Indicator: i, Origin: origin})
		}
	}
	return out, nil
}

// Parse reads a file of indicators: YAML documents, one indicator each. An unknown key is refused with its line.
func Parse(data []byte) ([]Indicator, error) {
	if len(data) > maxFile {
		return nil, plinth.Invalid("file", "a file of indicators has at most %d bytes", maxFile)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var out []Indicator
	for n := 1; ; n++ {
		var i Indicator
		err := d.Decode(&i)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, plinth.Invalid("yaml", "document %d: %v", n, err)
		}
		if err := i.Validate(); err != nil {
			return nil, fmt.Errorf("document %d (%.64s): %w", n, i.ID, err)
		}
		out = append(out, i)
	}
}
