package nab

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Series is one labelled series of the benchmark.
type Series struct {
	Name    string
	At      []time.Time
	Value   []float64
	Windows []Window
}

// Load reads the series under dir that windows.json names and that are there, by name.
func Load(dir string) ([]Series, error) {
	b, err := os.ReadFile(filepath.Join(dir, "windows.json"))
	if err != nil {
		return nil, err
	}
	var windows map[string][][2]string
	if err := json.Unmarshal(b, &windows); err != nil {
		return nil, fmt.Errorf("windows.json: %w", err)
	}
	var out []Series
	for name, ws := range windows {
		s := Series{Name: name}
		if err := s.read(dir, ws); os.IsNotExist(err) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Series) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

func (s *Series) read(dir string, windows [][2]string) error {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(s.Name)))
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return err
	}
	for _, row := range rows[1:] {
		if err := s.add(row[0], row[1]); err != nil {
			return err
		}
	}
	return s.label(windows)
}

func (s *Series) add(at, value string) error {
	t, err := time.Parse(time.DateTime, at)
	if err != nil {
		return err
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return err
	}
	s.At, s.Value = append(s.At, t), append(s.Value, v)
	return nil
}

func (s *Series) label(windows [][2]string) error {
	for _, w := range windows {
		from, err := time.Parse(time.DateTime, w[0])
		if err != nil {
			return err
		}
		to, err := time.Parse(time.DateTime, w[1])
		if err != nil {
			return err
		}
		first, _ := slices.BinarySearchFunc(s.At, from, time.Time.Compare)
		last, ok := slices.BinarySearchFunc(s.At, to, time.Time.Compare)
		if !ok {
			last--
		}
		s.Windows = append(s.Windows, Window{first, last})
	}
	return nil
}
