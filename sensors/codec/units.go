package codec

// scale is a unit as num/den of its dimension's base, plus offset bases at its zero. Whole numbers keep 7.1 mg/L at
// exactly 7100 ug/L.
type scale struct {
	dimension        string
	num, den, offset float64
}

// units are the UCUM units that convert into each other: plain scales of one dimension, nothing else. A level such as
// dB(A), or a quantity whose conversion needs the substance, is not here.
var units = map[string]scale{
	"m": {"length", 1, 1, 0}, "dm": {"length", 1, 10, 0}, "cm": {"length", 1, 100, 0}, "mm": {"length", 1, 1000, 0},
	"um": {"length", 1, 1e6, 0}, "km": {"length", 1000, 1, 0},

	"K": {"temperature", 1, 1, 0}, "Cel": {"temperature", 1, 1, 273.15}, "[degF]": {"temperature", 5, 9, 459.67 * 5 / 9},

	"s": {"time", 1, 1, 0}, "ms": {"time", 1, 1000, 0}, "us": {"time", 1, 1e6, 0}, "min": {"time", 60, 1, 0},
	"h": {"time", 3600, 1, 0}, "d": {"time", 86400, 1, 0},

	"g": {"mass", 1, 1, 0}, "kg": {"mass", 1000, 1, 0}, "mg": {"mass", 1, 1000, 0}, "ug": {"mass", 1, 1e6, 0}, "t": {"mass", 1e6, 1, 0},

	"g/L": {"density", 1, 1, 0}, "mg/L": {"density", 1, 1000, 0}, "ug/L": {"density", 1, 1e6, 0}, "ng/L": {"density", 1, 1e9, 0},
	"kg/m3": {"density", 1, 1, 0}, "g/m3": {"density", 1, 1000, 0}, "mg/m3": {"density", 1, 1e6, 0}, "ug/m3": {"density", 1, 1e9, 0},

	"L": {"volume", 1, 1, 0}, "l": {"volume", 1, 1, 0}, "mL": {"volume", 1, 1000, 0}, "m3": {"volume", 1000, 1, 0},
	"dm3": {"volume", 1, 1, 0}, "cm3": {"volume", 1, 1000, 0},

	"L/s": {"flow", 1, 1, 0}, "L/min": {"flow", 1, 60, 0}, "L/h": {"flow", 1, 3600, 0}, "mL/min": {"flow", 1, 60_000, 0},
	"m3/s": {"flow", 1000, 1, 0}, "m3/h": {"flow", 10, 36, 0}, "m3/d": {"flow", 10, 864, 0},

	"m/s": {"speed", 1, 1, 0}, "cm/s": {"speed", 1, 100, 0}, "mm/s": {"speed", 1, 1000, 0}, "km/h": {"speed", 10, 36, 0},
	"m/h": {"speed", 1, 3600, 0}, "mm/h": {"speed", 1, 3.6e6, 0},

	"m/s2": {"acceleration", 1, 1, 0}, "mm/s2": {"acceleration", 1, 1000, 0}, "cm/s2": {"acceleration", 1, 100, 0},

	"Pa": {"pressure", 1, 1, 0}, "hPa": {"pressure", 100, 1, 0}, "kPa": {"pressure", 1000, 1, 0}, "MPa": {"pressure", 1e6, 1, 0},
	"bar": {"pressure", 1e5, 1, 0}, "mbar": {"pressure", 100, 1, 0},

	"J": {"energy", 1, 1, 0}, "kJ": {"energy", 1000, 1, 0}, "MJ": {"energy", 1e6, 1, 0}, "W.h": {"energy", 3600, 1, 0},
	"kW.h": {"energy", 3.6e6, 1, 0},

	"W": {"power", 1, 1, 0}, "kW": {"power", 1000, 1, 0}, "MW": {"power", 1e6, 1, 0}, "mW": {"power", 1, 1000, 0},

	"V": {"voltage", 1, 1, 0}, "mV": {"voltage", 1, 1000, 0}, "kV": {"voltage", 1000, 1, 0},
	"A": {"current", 1, 1, 0}, "mA": {"current", 1, 1000, 0},

	"Hz": {"frequency", 1, 1, 0}, "/s": {"frequency", 1, 1, 0}, "1/s": {"frequency", 1, 1, 0}, "/min": {"frequency", 1, 60, 0},
	"1/min": {"frequency", 1, 60, 0}, "kHz": {"frequency", 1000, 1, 0}, "MHz": {"frequency", 1e6, 1, 0},

	"1": {"ratio", 1, 1, 0}, "%": {"ratio", 1, 100, 0}, "[ppth]": {"ratio", 1, 1000, 0}, "mm/m": {"ratio", 1, 1000, 0},
	"[ppm]": {"ratio", 1, 1e6, 0}, "[ppb]": {"ratio", 1, 1e9, 0},

	"S/m": {"conductivity", 1, 1, 0}, "mS/cm": {"conductivity", 1, 10, 0}, "uS/cm": {"conductivity", 1, 10_000, 0},
}

// Convert expresses v, in the UCUM unit from, in the unit to. It tells whether it could: only between equal units and
// those of one dimension in the table.
func Convert(v float64, from, to string) (float64, bool) {
	if from == to {
		return v, true
	}
	f, t := units[from], units[to]
	if f.dimension == "" || f.dimension != t.dimension {
		return v, false
	}
	if f.offset == t.offset {
		return v * (f.num * t.den) / (f.den * t.num), true
	}
	return (v*f.num/f.den + f.offset - t.offset) * t.den / t.num, true
}

// senMLUnits are the units of SenML (RFC 8428 §12.1, RFC 8798) that UCUM writes otherwise.
var senMLUnits = map[string]string{"l": "L", "l/s": "L/s", "/": "1", "%RH": "%", "%EL": "%", "EL": "s", "beat/min": "/min",
	"pH": "[pH]", "lat": "deg", "lon": "deg", "count": "{count}", "beats": "{beats}", "1/s": "/s", "1/min": "/min", "Wh": "W.h",
	"kWh": "kW.h", "VAs": "V.A.s", "VA": "V.A", "kVA": "kV.A", "Ah": "A.h", "ppm": "[ppm]", "/100": "%", "/1000": "[ppth]"}

// senMLUnit is the UCUM unit that a SenML unit means. What is not in the table is the same in both.
func senMLUnit(unit string) string {
	if u, ok := senMLUnits[unit]; ok {
		return u
	}
	return unit
}
