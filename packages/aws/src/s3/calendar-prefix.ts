/** Returns the beginning of the keys of calendars: the folder `calendars` in the place of machines. */
export function toCalendarPrefix({ prefix }: { readonly prefix: string }): string {
  if (prefix === "" || prefix.endsWith("/")) return `${prefix}calendars/`;
  // One machine, or the beginning of keys: next to them.
  if (/\.ya?ml$/.test(prefix)) return `${prefix.slice(0, prefix.lastIndexOf("/") + 1)}calendars/`;
  return `${prefix}/calendars/`;
}
