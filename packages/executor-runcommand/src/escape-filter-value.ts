/**
 * A value as a filter of EC2 takes it literally: `*` and `?` stand for other characters there, and `\` makes them ordinary
 * (EC2 user guide, "Filtering using the CLI and API": wildcards).
 */
export function escapeFilterValue(value: string): string {
  return value.replace(/[\\*?]/g, String.raw`\$&`);
}
