package main

import (
	"fmt"
	"io"
	"strings"

	"plinth/ledger"
)

// sheet is what is told to people: a headline, rows of a label and a value, and lists.
type sheet struct {
	headline string
	rows     []row
	lists    []itemList
}

type row struct{ Label, Value string }

// itemList is a list under a title, each item behind the mark.
type itemList struct {
	Title string
	Mark  string
	Items []string
}

// say chooses between the languages.
func say(l ledger.Lang, zh, en string) string {
	if l == ledger.English {
		return en
	}
	return zh
}

// verdictSheet begins a sheet with the verdict and what is at fault.
func verdictSheet(word ledger.Word, fault *ledger.FaultOut, l ledger.Lang) sheet {
	s := sheet{headline: fmt.Sprintf("%s: %s", word, word.Say(l))}
	if fault != nil {
		part := strings.TrimSpace(fault.Part.Say(l) + " " + fault.Org)
		s.row(say(l, "问题所在", "at fault"), strings.TrimPrefix(part+": "+fault.Reason, ": "))
	}
	return s
}

func (s *sheet) row(label, value string) { s.rows = append(s.rows, row{label, value}) }

func (s *sheet) list(title, mark string, items []string) {
	s.lists = append(s.lists, itemList{title, mark, items})
}

// checks lists what was checked and what was not.
func (s *sheet) checks(checked, not []ledger.Check, l ledger.Lang) {
	words := func(cs []ledger.Check) (out []string) {
		for _, c := range cs {
			out = append(out, c.Say(l))
		}
		return out
	}
	s.list(say(l, "已核验", "checked"), "✓", words(checked))
	s.list(say(l, "未核验", "not checked"), "–", words(not))
}

// print writes the sheet as plain text.
func (s *sheet) print(l ledger.Lang, w io.Writer) {
	colon := say(l, "：", ": ")
	fmt.Fprintln(w, s.headline)
	for _, r := range s.rows {
		fmt.Fprintln(w, r.Label+colon+r.Value)
	}
	for _, list := range s.lists {
		fmt.Fprintln(w, list.Title+colon)
		for _, item := range list.Items {
			fmt.Fprintln(w, " ", list.Mark, item)
		}
	}
}
