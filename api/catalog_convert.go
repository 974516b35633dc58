package api

import (
	"slices"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/catalog"
)

func textOut(t catalog.Text) *pb.Text { return &pb.Text{Zh: t.ZH, En: t.EN} }

func textIn(t *pb.Text) catalog.Text { return catalog.Text{ZH: t.GetZh(), EN: t.GetEn()} }

func contentIn(d *pb.Dataset) catalog.Content {
	c := catalog.Content{Title: textIn(d.GetTitle()), Description: textIn(d.GetDescription()), Publisher: plinth.AgentID(d.GetPublisher()),
		Theme: d.GetTheme(), Keywords: d.GetKeywords(), Grade: d.GetGrade(), Openness: d.GetOpenness(), OpennessReason: d.GetOpennessReason(),
		Frequency: d.GetFrequency(), Table: d.GetTable()}
	for _, f := range d.GetFields() {
		c.Fields = append(c.Fields, catalog.Field{Name: f.GetName(), Title: textIn(f.GetTitle()), Type: f.GetType(), Grade: f.GetGrade(),
			Sensitivity: f.GetSensitivity(), Description: f.GetDescription(), Standard: f.GetStandard()})
	}
	return c
}

func datasetOut(d catalog.Dataset, names map[plinth.AgentID]string) *pb.Dataset {
	out := &pb.Dataset{Id: string(d.ID), Code: d.Code, Title: textOut(d.Title), Description: textOut(d.Description),
		Publisher: string(d.Publisher), PublisherName: names[d.Publisher], Theme: d.Theme, Keywords: d.Keywords, Grade: d.Grade,
		Openness: d.Openness, OpennessReason: d.OpennessReason, Frequency: d.Frequency, Table: d.Table, State: string(d.State),
		Revision: int32(d.Revision), CreatedAt: stamp(d.CreatedAt), UpdatedAt: stamp(d.UpdatedAt), RegisteredAt: stamp(d.RegisteredAt),
		ValidUntil: stamp(d.ValidUntil), Evidence: evidence(d.Record, d.Evidence), RegistrationId: string(d.Registration),
		DataUntil: stamp(d.DataUntil), Timeliness: string(d.Timeliness), Rows: d.Rows}
	for _, f := range d.Fields {
		out.Fields = append(out.Fields, &pb.Field{Name: f.Name, Title: textOut(f.Title), Type: f.Type, Grade: f.Grade,
			Sensitivity: f.Sensitivity, Description: f.Description, Standard: f.Standard})
	}
	return out
}

func registrationOut(d catalog.Detail) *pb.Registration {
	out := &pb.Registration{Id: string(d.ID), DatasetId: string(d.Dataset), DatasetTitle: textOut(d.Title), Kind: string(d.Kind),
		State: string(d.State), CreatedAt: stamp(d.CreatedAt), UpdatedAt: stamp(d.UpdatedAt), DueAt: stamp(d.DueAt),
		WaitsOn: string(d.State.WaitsOn()), Timeline: itemsOut(d.Timeline), Evidence: evidence(d.Record, d.Registration.Evidence)}
	for _, a := range d.Actions {
		if !slices.Contains(out.Actions, string(a)) {
			out.Actions = append(out.Actions, string(a))
		}
	}
	for _, c := range d.Changes {
		out.Changes = append(out.Changes, &pb.Change{Field: c.Field, Old: c.Old, New: c.New})
	}
	return out
}

func itemsOut(all []catalog.Item) []*pb.TimelineItem {
	var out []*pb.TimelineItem
	for _, it := range all {
		out = append(out, &pb.TimelineItem{At: stamp(it.At), Actor: string(it.Actor), ActorName: it.ActorName, Action: it.Action,
			Note: it.Note, Evidence: evidence(it.Record, it.Evidence)})
	}
	return out
}

func openListOut(l catalog.OpenList) *pb.OpenList {
	out := &pb.OpenList{Number: int32(l.Number), PublishedAt: stamp(l.PublishedAt), Sha256: l.SHA256, Entries: int32(l.Count),
		Added: l.Added, Removed: l.Removed, Changed: l.Changed, Evidence: evidence(l.Record, l.Evidence)}
	for _, e := range l.Entries {
		out.Items = append(out.Items, &pb.OpenListEntry{Code: e.Code, Title: textOut(e.Title), PublisherName: e.PublisherName.ZH,
			Openness: e.Openness, Frequency: e.Frequency, Fields: e.Fields, DatasetId: string(e.Dataset), Revision: int32(e.Revision)})
	}
	return out
}
