import { createSimulation, type Machine, parseMachine, type SimulationLine } from "@stackyard/core/machine";
import type { Tasks } from "./messages.ts";

/** What an upgrade to a text would do to stacks of earlier revisions, in their order. */
export function findEffect({ name, text, revisions, stacks }: Tasks["effect"]["in"]): readonly SimulationLine[] {
  const parse = (source: string): Machine | undefined => parseMachine(source, { name, kept: true }).machine;
  const machines = new Map([[name, parse(text)]]);
  const kept = revisions.flatMap((source) => parse(source) ?? []);
  return stacks.map((stack) => {
    // Each in a simulation of its own: what is due in one stack does not move the clock of another.
    const simulation = createSimulation(machines, { kept });
    const begun = simulation.step({ stack });
    return begun.outcome === "applied" ? simulation.step({ upgrade: stack.id, dryRun: true }) : begun;
  });
}
