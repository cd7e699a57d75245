/**
 * A value for a filter of EC2 that means itself: `*` and `?` are wildcards there, and a backslash takes that from them.
 * Source: EC2 user guide, "Filtering considerations".
 */
export function escapeFilterValue(text: string): string {
  return text.replaceAll(/[\\*?]/g, "\\$&");
}
