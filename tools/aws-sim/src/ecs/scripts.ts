import type { Definition, EcsState } from "./ecs-state.ts";
import type { TaskScript } from "./task-script.ts";

/**
 * The script of the next task of a definition. What is for its revision comes before what is for its family; what is for
 * some tasks, in order, before what is for all, where the last word counts.
 */
export function findScript({ scripts }: EcsState, { family, revision }: Definition): TaskScript {
  for (const name of [`${family}:${revision}`, family]) {
    const entries = scripts.filter(({ of, uses }) => of === name && uses > 0);
    const counted = entries.find(({ uses }) => Number.isFinite(uses));
    if (counted !== undefined) counted.uses -= 1;
    const entry = counted ?? entries.at(-1);
    if (entry !== undefined) return entry.script;
  }
  return {};
}
