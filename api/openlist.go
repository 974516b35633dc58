package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"plinth"
	"plinth/catalog"
)

// OpenListRoutes serve the published lists to everybody: /open/{number}.csv, /open/{number}.jsonld, and the newest as
// /open/latest.csv and /open/latest.jsonld.
func OpenListRoutes(c *catalog.Catalog) []Route {
	return []Route{{Method: "GET", Pattern: "/open/{file}", Public: true, Handler: openListFile{c}}}
}

type openListFile struct{ catalog *catalog.Catalog }

// ServeHTTP implements http.Handler. A numbered list never changes, so it may be kept for ever.
func (h openListFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file := r.PathValue("file")
	name, form, _ := strings.Cut(file, ".")
	number, err := strconv.Atoi(name)
	if name == "latest" {
		number, err = 0, nil
	} else if err != nil || number < 1 || number > 1<<30 || strconv.Itoa(number) != name {
		err = plinth.Errorf(plinth.ErrNotFound, "there is no such open list")
	}
	if err == nil && form != "csv" && form != "jsonld" {
		err = plinth.Errorf(plinth.ErrNotFound, "an open list is there as .csv and .jsonld")
	}
	if err != nil {
		WriteError(w, r, err)
		return
	}
	l, err := h.catalog.OpenList(r.Context(), number)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	serveList(w, r, l, form, number == 0)
}

func serveList(w http.ResponseWriter, r *http.Request, l catalog.OpenList, form string, newest bool) {
	body, contentType := l.CSV, "text/csv; charset=utf-8; header=present"
	if form == "jsonld" {
		body, contentType = l.JSONLD, "application/ld+json"
	}
	sum := sha256.Sum256(body)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `inline; filename="open-list-`+strconv.Itoa(l.Number)+"."+form+`"`)
	h.Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if newest {
		h.Set("Cache-Control", "no-cache")
	}
	http.ServeContent(w, r, "", l.PublishedAt, bytes.NewReader(body))
}
