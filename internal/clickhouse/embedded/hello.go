package embedded

import "encoding/binary"

// helloQuery is what clickhouse-go asks first on every connection. The engine writes blocks in the plain layout of
// revision 0, and the driver decodes this one answer by its own revision and all later ones by the revision that the
// answer names. So the answer is made by hand, in the driver's layout, and names revision 0; everything after passes
// through untouched. The self-test at start would notice a driver that asks something else.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// hello is the answer: a block's info, then four columns of one row, each with the byte for ordinary serialisation.
func hello(version string) []byte {
	b := []byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 4, 1}
	column := func(name, typ string, value []byte) {
		b = appendText(b, name)
		b = appendText(b, typ)
		b = append(b, 0)
		b = append(b, value...)
	}
	column("displayName()", "String", appendText(nil, "plinth"))
	column("version()", "String", appendText(nil, version))
	column("revision()", "UInt32", []byte{0, 0, 0, 0})
	column("timezone()", "String", appendText(nil, "UTC"))
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// emptyBlock is a block of no rows: the engine writes nothing for an empty result, and a reader would not learn the
// columns.
func emptyBlock(columns [][2]string) []byte {
	b := binary.AppendUvarint(nil, uint64(len(columns)))
	b = append(b, 0)
	for _, c := range columns {
		b = appendText(appendText(b, c[0]), c[1])
	}
	return b
}
