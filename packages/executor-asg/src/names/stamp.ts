/** An instant in names: UTC, seconds, without the colons that names of AWS may not hold. `2020-01-02T03-04-05Z`. */
export function toStamp(at: number): string {
  return `${new Date(at).toISOString().slice(0, -5).replaceAll(":", "-")}Z`;
}
