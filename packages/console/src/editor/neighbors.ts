/** A state in a drawing: its middle. */
export interface Placed {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

/** Returns the next state in a direction; the first one when none is selected. Sideways distance counts twice. */
export function findNeighbor(
  states: readonly Placed[],
  selected: string | undefined,
  [right, down]: readonly [number, number],
): string | undefined {
  const here = states.find(({ id }) => id === selected);
  if (here === undefined) return states[0]?.id;
  let nearest: { readonly id: string; readonly distance: number } | undefined;
  for (const { id, x, y } of states) {
    const along = (x - here.x) * right + (y - here.y) * down;
    if (id === here.id || along <= 1) continue;
    const distance = along + 2 * Math.abs((x - here.x) * down + (y - here.y) * right);
    if (nearest === undefined || distance < nearest.distance) nearest = { id, distance };
  }
  return nearest?.id;
}
