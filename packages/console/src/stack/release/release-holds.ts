import type { ReleaseCalendar } from "@stackyard/sdk";

type Window = ReleaseCalendar["windows"][number];
type Freeze = ReleaseCalendar["freezes"][number];

/** Returns true for a freeze that holds all of the release's stacks: one of some stacks may hold none that waits. */
export function holdsAll({ where, passes }: Pick<Freeze, "where" | "passes">): boolean {
  return where === undefined && !passes;
}

/** Returns a test of whether a window lets nothing through now: it is closed, or all is frozen. */
export function isHeld({ freezes }: Pick<ReleaseCalendar, "freezes">): (window: Pick<Window, "isOpen">) => boolean {
  const isFrozen = freezes.some(holdsAll);
  return ({ isOpen }) => isFrozen || !isOpen;
}

/** Returns true if a window of the release lets nothing through now, or all is frozen. */
export function holdsAnything({ windows, freezes }: Pick<ReleaseCalendar, "windows" | "freezes">): boolean {
  return freezes.some(holdsAll) || windows.some(isHeld({ freezes }));
}
