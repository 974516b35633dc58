package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// Entry is one line of an open list.
type Entry struct {
	Code          string           `json:"code"`
	Dataset       plinth.DatasetID `json:"dataset"`
	Revision      int              `json:"revision"`
	Title         Text             `json:"title"`
	Description   Text             `json:"description"`
	Publisher     plinth.AgentID   `json:"publisher"`
	PublisherName Text             `json:"publisher_name"`
	Theme         string           `json:"theme"`
	Keywords      []string         `json:"keywords,omitempty"`
	Grade         string           `json:"grade"`
	Openness      string           `json:"openness"`
	Reason        string           `json:"openness_reason,omitempty"`
	Frequency     string           `json:"frequency"`
	Fields        []string         `json:"fields"` // 信息项: titles, in order
	RegisteredAt  time.Time        `json:"registered_at"`
	ValidUntil    time.Time        `json:"valid_until"`
}

// Fill takes over what a list says of a content.
func (e *Entry) Fill(c Content) {
	e.Title, e.Description, e.Publisher, e.Theme, e.Keywords = c.Title, c.Description, c.Publisher, c.Theme, c.Keywords
	e.Grade, e.Openness, e.Reason, e.Frequency = c.Grade, c.Openness, c.OpennessReason, c.Frequency
	e.Fields = nil
	for _, f := range c.Fields {
		e.Fields = append(e.Fields, f.Title.ZH)
	}
}

// OpenList is a 公共数据开放清单: numbered, frozen when published, the same bytes for the same entries.
type OpenList struct {
	Number      int
	PublishedAt time.Time
	By          plinth.AccountID
	ByName      string
	Note        string
	Entries     []Entry
	Count       int // of entries, also where these are left out
	CSV, JSONLD []byte
	SHA256      string // of the CSV's bytes, hex
	// Against the list before, by code.
	Added, Removed, Changed []string
	Record, Evidence        string
}

// ListKeeper keeps the open lists. Number 0 stands for the newest.
type ListKeeper interface {
	// OpenEntries are the registered datasets that are open at now, in order of code.
	OpenEntries(ctx context.Context, now time.Time) ([]Entry, error)
	// Publish reads the entries and the list before under lock, has freeze make the next, and writes it and its record
	// in one transaction. A published list never changes.
	Publish(ctx context.Context, now time.Time, freeze func(entries []Entry, before OpenList) (OpenList, ledger.Record, error)) (OpenList, error)
	OpenList(ctx context.Context, number int) (OpenList, error)
	// OpenLists are the newest first, those before the number when it is above 0, without entries and bytes.
	OpenLists(ctx context.Context, limit, before int) ([]OpenList, error)
}

// PreviewOpenList makes the next list without publishing it; its number is 0.
func (c *Catalog) PreviewOpenList(ctx context.Context) (OpenList, error) {
	now := c.cfg.Now()
	entries, err := c.store.OpenEntries(ctx, now)
	if err != nil {
		return OpenList{}, err
	}
	before, err := c.newest(ctx)
	if err != nil {
		return OpenList{}, err
	}
	l, err := c.compose(entries, before, now)
	l.Number, l.PublishedAt = 0, time.Time{}
	return l, err
}

// newest is the newest list, or a zero list when there is none.
func (c *Catalog) newest(ctx context.Context) (OpenList, error) {
	lists, err := c.store.OpenLists(ctx, 1, 0)
	if err != nil || len(lists) == 0 {
		return OpenList{}, err
	}
	return c.store.OpenList(ctx, lists[0].Number)
}

// listed are the codes on the newest list, and its number.
func (c *Catalog) listed(ctx context.Context) (map[string]bool, int, error) {
	l, err := c.newest(ctx)
	out := map[string]bool{}
	for _, e := range l.Entries {
		out[e.Code] = true
	}
	return out, l.Number, err
}

// PublishOpenList freezes and numbers the next list. One that would say the same as the last is refused.
func (c *Catalog) PublishOpenList(ctx context.Context, note string) (OpenList, error) {
	p, now := plinth.PrincipalFrom(ctx), c.cfg.Now()
	if p.Department != c.cfg.Authority {
		return OpenList{}, plinth.Errorf(plinth.ErrDenied, "the open list is published by %s", c.cfg.Authority)
	}
	if err := plain("note", note, 500); err != nil {
		return OpenList{}, err
	}
	l, err := c.store.Publish(ctx, now, func(entries []Entry, before OpenList) (OpenList, ledger.Record, error) {
		l, err := c.compose(entries, before, now)
		if err != nil {
			return l, ledger.Record{}, err
		}
		if before.Number > 0 && l.SHA256 == before.SHA256 {
			return l, ledger.Record{}, plinth.Errorf(plinth.ErrConflict, "nothing has changed since list %d", before.Number)
		}
		l.By, l.ByName, l.Note = p.Account, p.Name, note
		r, err := l.record(p, before)
		return l, r, err
	})
	if err != nil {
		return OpenList{}, err
	}
	return c.store.OpenList(ctx, l.Number)
}

// OpenList returns a published list, the newest for 0.
func (c *Catalog) OpenList(ctx context.Context, number int) (OpenList, error) {
	if number != 0 {
		return c.store.OpenList(ctx, number)
	}
	l, err := c.newest(ctx)
	if err == nil && l.Number == 0 {
		err = plinth.Errorf(plinth.ErrNotFound, "no open list has been published yet")
	}
	return l, err
}

// OpenLists lists the published lists, the newest first.
func (c *Catalog) OpenLists(ctx context.Context, limit, before int) ([]OpenList, error) {
	return c.store.OpenLists(ctx, limit, before)
}

// compose makes the list after before.
func (c *Catalog) compose(entries []Entry, before OpenList, now time.Time) (OpenList, error) {
	l := OpenList{Number: before.Number + 1, PublishedAt: now, Entries: entries, Count: len(entries)}
	l.compare(before)
	var err error
	if l.CSV, err = listCSV(entries); err != nil {
		return l, err
	}
	sum := sha256.Sum256(l.CSV)
	l.SHA256 = hex.EncodeToString(sum[:])
	l.JSONLD, err = c.listJSONLD(l)
	return l, err
}

// compare fills in what was added, removed and changed, by code.
func (l *OpenList) compare(before OpenList) {
	old := map[string][]byte{}
	for _, e := range before.Entries {
		old[e.Code] = e.bytes()
	}
	for _, e := range l.Entries {
		b, known := old[e.Code]
		switch {
		case !known:
			l.Added = append(l.Added, e.Code)
		case !bytes.Equal(b, e.bytes()):
			l.Changed = append(l.Changed, e.Code)
		}
		delete(old, e.Code)
	}
	for code := range old {
		l.Removed = append(l.Removed, code)
	}
	slices.Sort(l.Removed)
}

func (e Entry) bytes() []byte {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings, numbers and times always marshal
	}
	return b
}

// listHeader are the CSV's columns, in the words of the 目录编制指南.
var listHeader = []string{"资源代码", "资源名称", "英文名称", "资源摘要", "提供部门", "主题", "数据分级", "开放属性", "开放条件及依据", "更新周期", "信息项", "登记日期", "有效期至", "版本"}

// The Chinese words of the code lists.
var words = map[string]string{
	"general": "一般", "important": "重要", "core": "核心", "unconditional": "无条件开放", "conditional": "有条件开放", "closed": "不予开放",
	"realtime": "实时", "daily": "每日", "weekly": "每周", "monthly": "每月", "quarterly": "每季度", "yearly": "每年", "irregular": "不定期",
}

// listCSV writes the list as RFC 4180 CSV in UTF-8 with a byte order mark, because the offices that read it open it in
// spreadsheets that take unmarked files for GBK. Lines end with CR LF. Nothing in it depends on when it is written.
func listCSV(entries []Entry) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	if err := w.Write(listHeader); err != nil {
		return nil, fmt.Errorf("write open list: %w", err)
	}
	for _, e := range entries {
		row := []string{e.Code, e.Title.ZH, e.Title.EN, e.Description.ZH, e.PublisherName.ZH, Themes[e.Theme].ZH, words[e.Grade], words[e.Openness],
			e.Reason, words[e.Frequency], strings.Join(e.Fields, "、"), string(DayOf(e.RegisteredAt)), string(DayOf(e.ValidUntil)), strconv.Itoa(e.Revision)}
		if err := w.Write(row); err != nil {
			return nil, fmt.Errorf("write open list: %w", err)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, fmt.Errorf("write open list: %w", err)
	}
	return b.Bytes(), nil
}

// record is the evidence of a publication: the hashes of both documents.
func (l OpenList) record(p plinth.Principal, before OpenList) (ledger.Record, error) {
	ld := sha256.Sum256(l.JSONLD)
	payload, err := json.Marshal(struct {
		Number  int              `json:"number"`
		Entries int              `json:"entries"`
		CSV     string           `json:"csv_sha256"`
		JSONLD  string           `json:"jsonld_sha256"`
		Before  string           `json:"before_csv_sha256,omitempty"`
		Actor   plinth.AccountID `json:"actor"`
		At      time.Time        `json:"at"`
	}{l.Number, len(l.Entries), l.SHA256, hex.EncodeToString(ld[:]), before.SHA256, p.Account, l.PublishedAt.UTC()})
	if err != nil {
		return ledger.Record{}, fmt.Errorf("record open list: %w", err)
	}
	r := ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: "openlist.published", Org: string(p.Department), Subject: "openlist",
		From: l.PublishedAt, To: l.PublishedAt, Count: 1, Payload: payload, Relation: ledger.Generated}
	if id, err := uuid.Parse(before.Record); err == nil {
		r.Supersedes, r.Inputs = id, []uuid.UUID{id}
	}
	return r, nil
}
