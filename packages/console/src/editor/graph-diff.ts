import type { Outline, OutlineState } from "../machine/outline.ts";

/** What became of a state from one text to another. */
export interface StateChange {
  readonly name: string;
  readonly change: "+" | "−" | "~";
  /** The name before, of a state with an equal body. */
  readonly before?: string;
}

/** Returns the states that differ. A removed and an added state with equal bodies are one that was renamed. */
export function compareStates(before: Outline, after: Outline): readonly StateChange[] {
  const old = new Map(before.states.map((state) => [state.name, state]));
  const now = new Map(after.states.map((state) => [state.name, state]));
  const removed = before.states.filter(({ name }) => !now.has(name));
  const renamed = new Map<string, string>();
  for (const state of after.states.filter(({ name }) => !old.has(name))) {
    const match = removed.find(
      (each) => ![...renamed.values()].includes(each.name) && toBody(each) === toBody(state, state.name, each.name),
    );
    if (match !== undefined) renamed.set(state.name, match.name);
  }
  const gone = removed.filter(({ name }) => ![...renamed.values()].includes(name));
  return [
    ...after.states.flatMap((state): StateChange[] => {
      const own = old.get(state.name);
      if (own !== undefined) return toBody(own) === toBody(state) ? [] : [{ name: state.name, change: "~" }];
      const from = renamed.get(state.name);
      return from === undefined
        ? [{ name: state.name, change: "+" }]
        : [{ name: state.name, change: "~", before: from }];
    }),
    ...gone.map(({ name }): StateChange => ({ name, change: "−" })),
  ];
}

/** What a state does; its own name, where a reaction leads back to it, is read as another one. */
function toBody({ tasks, timers, reactions, keys }: OutlineState, own = "", as = ""): string {
  const ways = reactions.map(({ event, when, target, set }) => [
    event,
    when,
    target === own && own !== "" ? as : target,
    set,
  ]);
  return JSON.stringify([tasks, timers, ways, keys]);
}
