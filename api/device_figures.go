package api

import (
	"cmp"
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"slices"
	"strconv"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/sensors/dossier"
)

func (s *sensorService) GetDeviceFigures(ctx context.Context, r *pb.GetDeviceFiguresRequest) (*pb.GetDeviceFiguresResponse, error) {
	if err := filters("owner", r.GetOwner(), "kind", r.GetKind(), "street", r.GetStreet()); err != nil {
		return nil, err
	}
	survey, err := s.Surveyor.Survey(ctx, cmp.Or(dossier.Period(r.GetPeriod()), dossier.Day))
	if err != nil {
		return nil, err
	}
	by := cmp.Or(dossier.By(r.GetBy()), dossier.ByOwner)
	total, groups, err := survey.Figures(by, dossier.Filter{Owner: r.GetOwner(), Kind: r.GetKind(), Street: r.GetStreet()})
	if err != nil {
		return nil, err
	}
	out := &pb.GetDeviceFiguresResponse{From: stamp(survey.From), To: stamp(survey.To), Total: figuresOut(total)}
	for _, g := range groups {
		f := figuresOut(g)
		f.Name = s.groupName(ctx, by, g.Key)
		out.Groups = append(out.Groups, f)
	}
	return out, nil
}

// groupName is what people call a group: a department's or street's name; kinds are named by the console.
func (s *sensorService) groupName(ctx context.Context, by dossier.By, key string) *pb.Text {
	switch {
	case key == "":
		return &pb.Text{Zh: "未登记", En: "Not registered"}
	case by == dossier.ByKind:
		return &pb.Text{Zh: key, En: key}
	}
	name := cmp.Or(s.Names.AgentName(ctx, plinth.AgentID(key)), key)
	return &pb.Text{Zh: name, En: name}
}

func figuresOut(f dossier.Figures) *pb.DeviceFigures {
	out := &pb.DeviceFigures{Key: f.Key, Expected: int32(f.Expected), Registered: int32(f.Registered), Unregistered: int32(f.Unregistered),
		Complete: int32(f.Complete), Accurate: int32(f.Accurate), InUse: int32(f.InUse)}
	for _, r := range []struct {
		to    **float64
		part  float64
		whole int
	}{{&out.ArchiveRate, float64(f.Complete), f.Expected}, {&out.Accuracy, float64(f.Accurate), f.Registered},
		{&out.OnlineRate, f.Online, f.InUse}} {
		if v, ok := dossier.Rate(r.part, r.whole); ok {
			*r.to = &v
		}
	}
	for rule, n := range f.Rules {
		out.Rules = append(out.Rules, &pb.RuleCount{Rule: rule.Name, Figure: string(rule.Figure), Title: sensorText(rule.Title), Devices: int32(n)})
	}
	slices.SortFunc(out.Rules, func(a, b *pb.RuleCount) int {
		return cmp.Or(-cmp.Compare(a.Devices, b.Devices), cmp.Compare(a.Rule, b.Rule))
	})
	return out
}

func (s *sensorService) ListDeviceFaults(ctx context.Context, r *pb.ListDeviceFaultsRequest) (*pb.ListDeviceFaultsResponse, error) {
	limit, offset, err := offsetPage(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	if err := filters("owner", r.GetOwner(), "kind", r.GetKind(), "street", r.GetStreet()); err != nil {
		return nil, err
	}
	n := dossier.Narrow{Filter: dossier.Filter{Owner: r.GetOwner(), Kind: r.GetKind(), Street: r.GetStreet()},
		Figure: dossier.Figure(r.GetFigure()), Rule: r.GetRule(), Unregistered: r.GetUnregistered()}
	if err := n.Validate(); err != nil {
		return nil, err
	}
	survey, err := s.Surveyor.Survey(ctx, cmp.Or(dossier.Period(r.GetPeriod()), dossier.Day))
	if err != nil {
		return nil, err
	}
	all := survey.Lines(n)
	page := all[min(offset, len(all)):min(offset+limit, len(all))]
	out := &pb.ListDeviceFaultsResponse{TotalSize: int32(len(all)), NextPageToken: nextOffset(offset, len(page), len(all))}
	for _, l := range page {
		out.Faults = append(out.Faults, s.faultOut(ctx, l))
	}
	return out, nil
}

func (s *sensorService) faultOut(ctx context.Context, l dossier.Line) *pb.DeviceFault {
	out := &pb.DeviceFault{DeviceId: string(l.ID), Kind: l.Kind, Rule: l.Rule.Name, Figure: string(l.Rule.Figure),
		Title: sensorText(l.Rule.Title), Field: l.Rule.Field, Detail: sensorText(l.Detail), Registered: l.Device != nil}
	if d := l.Device; d != nil {
		out.Name, out.Owner, out.Street = sensorText(d.Name), string(d.Owner), d.Street
		out.OwnerName = s.Names.AgentName(ctx, d.Owner)
	}
	if l.Rule.Figure == dossier.Online {
		out.OnlineRate = &l.Online
	}
	return out
}

// DeviceFigureRoutes are the figures and the faults as tables: GET /v1/device-figures.csv and GET /v1/device-faults.csv, in
// UTF-8 with the mark that spreadsheets need, narrowed as the calls of the same names are; faults are not paged.
func DeviceFigureRoutes(d SensorDeps) []Route {
	s := &sensorService{SensorDeps: d}
	table := func(name string, rows func(*http.Request) ([][]string, error)) Route {
		return Route{Method: http.MethodGet, Pattern: "/v1/" + name + ".csv", Roles: people,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				all, err := rows(r)
				if err != nil {
					WriteError(w, r, err)
					return
				}
				w.Header().Set("Content-Type", "text/csv; charset=utf-8")
				w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
				_, _ = io.WriteString(w, "\uFEFF")
				_ = csv.NewWriter(w).WriteAll(all) // a client that has gone needs no answer
			})}
	}
	return []Route{table("device-figures", s.figureRows), table("device-faults", s.faultRows)}
}

func (s *sensorService) figureRows(r *http.Request) ([][]string, error) {
	q := r.URL.Query()
	got, err := s.GetDeviceFigures(r.Context(), &pb.GetDeviceFiguresRequest{By: q.Get("by"), Period: q.Get("period"), Owner: q.Get("owner"),
		Kind: q.Get("kind"), Street: q.Get("street")})
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"key", "name", "expected", "registered", "unregistered", "complete", "archive_rate", "accurate", "accuracy",
		"in_use", "online_rate"}}
	for _, f := range append(got.Groups, got.Total) {
		number := func(n int32) string { return strconv.Itoa(int(n)) }
		rate := func(v *float64) string {
			if v == nil {
				return ""
			}
			return strconv.FormatFloat(*v, 'f', 4, 64)
		}
		name := "合计 total"
		if f != got.Total {
			name = f.Name.GetZh()
		}
		rows = append(rows, []string{cell(f.Key), cell(name), number(f.Expected), number(f.Registered), number(f.Unregistered),
			number(f.Complete), rate(f.ArchiveRate), number(f.Accurate), rate(f.Accuracy), number(f.InUse), rate(f.OnlineRate)})
	}
	return rows, nil
}

func (s *sensorService) faultRows(r *http.Request) ([][]string, error) {
	q := r.URL.Query()
	ask := &pb.ListDeviceFaultsRequest{PageSize: maxPage, Period: q.Get("period"), Owner: q.Get("owner"), Kind: q.Get("kind"),
		Street: q.Get("street"), Figure: q.Get("figure"), Rule: q.Get("rule"), Unregistered: q.Get("unregistered") == "true"}
	rows := [][]string{{"device", "name", "kind", "owner", "street", "figure", "rule", "zh", "en", "field", "detail"}}
	for {
		got, err := s.ListDeviceFaults(r.Context(), ask)
		if err != nil {
			return nil, err
		}
		for _, f := range got.Faults {
			rows = append(rows, []string{cell(f.DeviceId), cell(f.Name.GetZh()), f.Kind, cell(f.Owner), cell(f.Street), f.Figure, f.Rule,
				f.Title.GetZh(), f.Title.GetEn(), f.Field, cell(f.Detail.GetZh())})
		}
		if ask.PageToken = got.NextPageToken; ask.PageToken == "" {
			return rows, nil
		}
	}
}

// cell keeps what people typed from being a formula in a spreadsheet.
func cell(s string) string {
	if s != "" && slices.Contains([]byte("=+-@\t\r"), s[0]) {
		return "'" + s
	}
	return s
}
