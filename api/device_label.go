package api

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"

	"rsc.io/qr"

	"plinth"
	"plinth/sensors"
)

// mostLabels is how many labels one sheet has; a registry with more is printed street by street.
const mostLabels = 3000

// DeviceLabelRoutes serve what is stuck on devices: GET /v1/devices/{id}/qr.svg is the device's code as a QR code with
// its text; GET /v1/device-labels is a sheet of labels to print on A4, narrowed by kind, owner, street, grid and life.
// The QR code holds the code alone: whoever finds it learns nothing that is not printed beside it.
func DeviceLabelRoutes(registry *sensors.Registry) []Route {
	return []Route{
		{Method: http.MethodGet, Pattern: "/v1/devices/{id}/qr.svg", Roles: people,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { giveLabel(w, r, registry) })},
		{Method: http.MethodGet, Pattern: "/v1/device-labels", Roles: []plinth.Role{operator, provider, steward},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { giveSheet(w, r, registry) })},
	}
}

func giveLabel(w http.ResponseWriter, r *http.Request, registry *sensors.Registry) {
	d := registry.Device(plinth.DeviceID(r.PathValue("id")))
	if d == nil {
		WriteError(w, r, plinth.Errorf(plinth.ErrNotFound, "there is no device %.64q", r.PathValue("id")))
		return
	}
	svg, err := codeSVG(d.Code())
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml; charset=utf-8")
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+svg)
}

// codeSVG draws a short code as a QR code (ISO/IEC 18004) at level M, with its quiet zone of four modules and the text
// below. A module is a unit wide; a run of dark ones is one rectangle.
func codeSVG(code string) (string, error) {
	const quiet, text = 4, 4
	c, err := qr.Encode(code, qr.M)
	if err != nil {
		return "", fmt.Errorf("draw %s: %w", code, err)
	}
	var path strings.Builder
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			from := x
			for x < c.Size && c.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1H%dz", from+quiet, y+quiet, x-from, from+quiet)
			}
		}
	}
	width := c.Size + 2*quiet
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s" shape-rendering="crispEdges">`+
		`<rect width="%d" height="%d" fill="#fff"/><path d="%s" fill="#000"/>`+
		`<text x="%g" y="%g" font-family="monospace" font-size="2.4" text-anchor="middle" fill="#000">%s</text></svg>`,
		width, width+text, code, width, width+text, path.String(), float64(width)/2, float64(width)+1.2, code), nil
}

// sheetStyle lays out 3 by 8 labels of 63.5 by 33.9 mm on A4; a label is never cut by the end of a page.
const sheetStyle = `@page{size:A4;margin:12.9mm 7.2mm}body{margin:0;font:8pt/1.3 sans-serif;color:#000}` +
	`main{display:grid;grid-template-columns:repeat(3,63.5mm);column-gap:2.5mm}` +
	`article{height:33.9mm;display:flex;gap:2mm;align-items:center;break-inside:avoid;overflow:hidden}` +
	`svg{height:30mm;flex:none}b{display:block;font-size:9pt}span{display:block;overflow-wrap:anywhere}`

var sheet = template.Must(template.New("labels").Parse(`<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>设备标签 Device labels</title>` +
	`<style>` + sheetStyle + `</style></head><body><main>{{range .}}<article>{{.SVG}}<div><b>{{.Name}}</b><span>{{.ID}}</span><span>{{.Place}}</span></div></article>` +
	"\n" + `{{end}}</main></body></html>`))

// sheetPolicy lets the sheet have its own style and nothing else.
var sheetPolicy = func() string {
	sum := sha256.Sum256([]byte(sheetStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'"
}()

// label is one device's on a sheet.
type label struct {
	SVG             template.HTML
	Name, ID, Place string
}

func giveSheet(w http.ResponseWriter, r *http.Request, registry *sensors.Registry) {
	devices := registry.Devices(fileFilter(r), nil)
	if len(devices) > mostLabels {
		WriteError(w, r, plinth.Invalid("street", "%d devices are more than the %d of one sheet; narrow by street, kind or owner",
			len(devices), mostLabels))
		return
	}
	labels := make([]label, len(devices))
	for i, d := range devices {
		svg, err := codeSVG(d.Code())
		if err != nil {
			WriteError(w, r, err)
			return
		}
		labels[i] = label{template.HTML(svg), cmp.Or(d.Name.ZH, d.Name.EN), string(d.ID), strings.TrimSpace(d.Street + " " + d.Site)}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", sheetPolicy)
	_ = sheet.Execute(w, labels) // a client that has gone needs no answer
}
