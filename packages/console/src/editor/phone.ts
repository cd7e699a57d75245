/** Returns true on screens too narrow for text and graph next to each other. */
export function isPhone(): boolean {
  return matchMedia("(max-width: 719px)").matches;
}
