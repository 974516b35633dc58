// How labels lie on A4: 3 by 8 of 63.5 by 33.9 mm, the usual sheet of adhesive labels.
export const perSheet = 24

/** sheetsOf cuts labels into sheets; null is a place left blank, as on a sheet whose first labels are used. */
export function sheetsOf<T>(labels: T[], blank: number): (T | null)[][] {
  const places: (T | null)[] = labels.length === 0 ? [] : [...Array.from({ length: Math.max(0, Math.min(blank, perSheet - 1)) }, () => null), ...labels]
  return Array.from({ length: Math.ceil(places.length / perSheet) }, (_, n) => places.slice(n * perSheet, (n + 1) * perSheet))
}
