package api_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"plinth/api"
	"plinth/pipelines"
)

// asked serves one of the routes as an operator.
func asked(t *testing.T, routes []api.Route, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.Method+" "+r.Pattern, r.Handler)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

func TestALabelIsADrawingWithTheCodeAsText(t *testing.T) {
	registry := flat(t)
	w := asked(t, api.DeviceLabelRoutes(registry), "GET", "/v1/devices/creek-1/qr.svg", "")
	var svg struct {
		ViewBox string `xml:"viewBox,attr"`
		Text    string `xml:"text"`
		Path    struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(w.Body.Bytes(), &svg); err != nil || w.Header().Get("Content-Type") != "image/svg+xml; charset=utf-8" {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if svg.Text != registry.Device("creek-1").Code() || !strings.HasPrefix(svg.Path.D, "M4 4h7v1H4z") {
		t.Errorf("text %q, drawing %.40s, want the upper edge of the finder pattern first", svg.Text, svg.Path.D)
	}
	if w := asked(t, api.DeviceLabelRoutes(registry), "GET", "/v1/devices/gone/qr.svg", ""); w.Code != 404 {
		t.Errorf("a device that is not there: %d", w.Code)
	}
}

func TestASheetHasALabelForEachDeviceThatIsAskedFor(t *testing.T) {
	registry := flat(t)
	for query, want := range map[string][]string{"": {"creek-1", "meter-1"}, "?owner=civil": {"meter-1"}} {
		body := asked(t, api.DeviceLabelRoutes(registry), "GET", "/v1/device-labels"+query, "").Body.String()
		if n := strings.Count(body, "<svg "); n != len(want) {
			t.Errorf("%s: %d labels, want %d", query, n, len(want))
		}
		for _, id := range want {
			if !strings.Contains(body, registry.Device("creek-1").Code()) && id == "creek-1" || !strings.Contains(body, id) {
				t.Errorf("%s: no label of %s", query, id)
			}
		}
	}
}

func TestATrialOfAFileOfDevicesTellsFaultsAndProgress(t *testing.T) {
	file := pipelines.DeviceFile{Registry: flat(t)}
	w := asked(t, api.DeviceFileRoutes(file), "POST", "/v1/device-imports?dry_run=true", "id,kind,owner,interval_s,metrics\n"+
		`new-1,camera,police,60,"[{""name"":""online"",""unit"":""1""}]"`+"\nNEW 2,camera,police,60,\n")
	if at, err := time.Parse(time.RFC3339, w.Header().Get(api.ImportBegan)); err != nil || time.Since(at) > time.Hour {
		t.Errorf("the import began %q", w.Header().Get(api.ImportBegan))
	}
	for _, since := range []string{"yesterday", "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"} {
		if w := asked(t, api.DeviceFileRoutes(file), "POST", "/v1/device-imports?renew_since="+since, "id,kind,owner\n"); w.Code != 400 {
			t.Errorf("renew_since %s is answered by %d", since, w.Code)
		}
	}
	var names []string
	var last struct {
		Progress struct{ Rows, Lines, Registered int }
		Fault    struct {
			Row   int
			Field string
		}
		Counts struct{ Rows, Registered, Refused int }
	}
	for _, line := range strings.Split(strings.TrimSpace(w.Body.String()), "\n") {
		var one map[string]json.RawMessage
		if json.Unmarshal([]byte(line), &one) != nil || json.Unmarshal([]byte(line), &last) != nil {
			t.Fatalf("line %q", line)
		}
		for name := range one {
			names = append(names, name)
		}
	}
	if got := strings.Join(names, " "); got != "fault progress counts" {
		t.Errorf("lines %s", got)
	}
	if last.Fault.Row != 3 || last.Fault.Field != "id" || last.Progress.Lines != 3 || last.Progress.Rows != 2 || last.Counts.Registered != 1 ||
		last.Counts.Refused != 1 {
		t.Errorf("told %+v", last)
	}
}
