package district

import "encoding/json"

type feature struct {
	Type       string            `json:"type"`
	Properties map[string]string `json:"properties"`
	Geometry   geometry          `json:"geometry"`
}

type geometry struct {
	Type        string         `json:"type"`
	Coordinates [][][2]float64 `json:"coordinates"`
}

// GeoJSON returns streets and grids as a FeatureCollection (RFC 7946). Properties: id, kind ("street" or "grid"),
// name, name_en, street, and note, which says that the shapes are schematic.
func (d *District) GeoJSON() []byte {
	const note = "schematic, drawn by hand; not a survey"
	var features []feature
	for _, s := range d.streets {
		features = append(features, polygonFeature(s.Shape, map[string]string{
			"id": s.ID, "kind": "street", "name": s.Name, "name_en": s.NameEn, "street": s.ID, "note": note}))
	}
	for _, g := range d.grids {
		features = append(features, polygonFeature(g.Shape, map[string]string{
			"id": g.ID, "kind": "grid", "name": g.Name, "name_en": g.NameEn, "street": g.Street, "note": note}))
	}
	out, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features})
	if err != nil {
		panic(err) // numbers and text only
	}
	return out
}

func polygonFeature(shape Polygon, properties map[string]string) feature {
	var ring [][2]float64
	for _, p := range append(shape[:len(shape):len(shape)], shape[0]) {
		ring = append(ring, [2]float64{p.Lon, p.Lat})
	}
	return feature{"Feature", properties, geometry{"Polygon", [][][2]float64{ring}}}
}
