package catalog

import "time"

// Shanghai is the district's time: UTC+8, without summer time since 1992.
var Shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// Day is a calendar day in Shanghai, "2006-01-02".
type Day string

// DayOf is the day of t in Shanghai.
func DayOf(t time.Time) Day { return Day(t.In(Shanghai).Format(time.DateOnly)) }

// Calendar knows the working days: Monday to Friday, but for the days that the State Council's yearly notice moves.
// The zero value knows weekends alone.
type Calendar struct {
	// Moved says of a day whether it is worked, against its weekday.
	Moved map[Day]bool
}

// Works tells whether the day of t is worked.
func (c Calendar) Works(t time.Time) bool {
	if works, ok := c.Moved[DayOf(t)]; ok {
		return works
	}
	wd := t.In(Shanghai).Weekday()
	return wd != time.Saturday && wd != time.Sunday
}

// Due is the end of the n-th working day after the day of t: the day itself does not count. Of none it is t.
func (c Calendar) Due(t time.Time, n int) time.Time {
	if n <= 0 {
		return t
	}
	y, m, d := t.In(Shanghai).Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, Shanghai)
	for n > 0 {
		day = day.AddDate(0, 0, 1)
		if c.Works(day) {
			n--
		}
	}
	return day.AddDate(0, 0, 1).UTC()
}
