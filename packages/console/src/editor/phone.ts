/** True where text and graph have no room next to each other. */
export function isPhone(): boolean {
  return matchMedia("(max-width: 639px)").matches;
}
