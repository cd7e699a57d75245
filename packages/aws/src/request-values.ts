/**
 * Escapes a value for filters of EC2, in which `*` and `?` are wildcards and a backslash escapes them. Source: EC2 user
 * guide, "Filtering considerations".
 */
export function escapeFilterValue(text: string): string {
  return text.replaceAll(/[\\*?]/g, "\\$&");
}
