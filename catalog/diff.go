package catalog

import (
	"fmt"
	"strings"
)

// Change is one difference between two contents.
type Change struct{ Field, Old, New string }

// Diff lists what changes from old to new, field by field, in the order of the form. A dataset's fields are matched by
// name.
func Diff(old, new Content) []Change {
	var out []Change
	add := func(field, a, b string) {
		if a != b {
			out = append(out, Change{field, a, b})
		}
	}
	add("title.zh", old.Title.ZH, new.Title.ZH)
	add("title.en", old.Title.EN, new.Title.EN)
	add("description.zh", old.Description.ZH, new.Description.ZH)
	add("description.en", old.Description.EN, new.Description.EN)
	add("publisher", string(old.Publisher), string(new.Publisher))
	add("theme", old.Theme, new.Theme)
	add("keywords", strings.Join(old.Keywords, "、"), strings.Join(new.Keywords, "、"))
	add("grade", old.Grade, new.Grade)
	add("openness", old.Openness, new.Openness)
	add("openness_reason", old.OpennessReason, new.OpennessReason)
	add("frequency", old.Frequency, new.Frequency)
	add("table", old.Table, new.Table)
	before, after := fieldsByName(old.Fields), fieldsByName(new.Fields)
	for _, f := range new.Fields {
		add("fields."+f.Name, before[f.Name], after[f.Name])
	}
	for _, f := range old.Fields {
		if _, kept := after[f.Name]; !kept {
			add("fields."+f.Name, before[f.Name], "")
		}
	}
	return out
}

func fieldsByName(fields []Field) map[string]string {
	out := make(map[string]string, len(fields))
	for _, f := range fields {
		out[f.Name] = f.line()
	}
	return out
}

// line is a field in one line, for reviewing.
func (f Field) line() string {
	parts := []string{f.Title.ZH}
	if f.Title.EN != "" {
		parts = append(parts, f.Title.EN)
	}
	parts = append(parts, f.Type, f.Grade, f.Sensitivity)
	for _, s := range []string{f.Description, f.Standard} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return fmt.Sprintf("%s: %s", f.Name, strings.Join(parts, " · "))
}
