import type { Definition, Instance } from "./ecs-state.ts";

/** CPU units and MiB. */
export interface Need {
  readonly cpu: number;
  readonly memory: number;
}

/** What stands on an instance. */
export interface Occupant {
  readonly instance: Instance;
  readonly need: Need;
}

/** What a task reserves: its own size, else the sum of its containers ("TaskDefinition", `cpu` and `memory`; `memoryReservation` before `memory`). */
export function toNeed({ containerDefinitions, ...definition }: Definition, overrides: unknown): Need {
  const { cpu = definition.cpu, memory = definition.memory, containerOverrides = [] } = Object(overrides);
  const sum = (fieldsOf: (container: object) => number): number => {
    return containerDefinitions.reduce((total, container) => {
      const override = containerOverrides.find((each: { readonly name?: string }) => each.name === container.name);
      return total + fieldsOf({ ...container, ...override });
    }, 0);
  };
  return {
    cpu: cpu === undefined ? sum((each) => Object(each).cpu ?? 0) : Number(cpu),
    memory:
      memory === undefined ? sum((each) => Object(each).memoryReservation ?? Object(each).memory ?? 0) : Number(memory),
  };
}

/** Why an instance does not take a task: developer guide, "Amazon ECS API failure reasons". Undefined: it does. */
export function findObstacle(instance: Instance, need: Need, occupants: readonly Occupant[]): string | undefined {
  if (!instance.isAgentConnected) return "AGENT";
  if (instance.status !== "ACTIVE") return "INACTIVE";
  const here = occupants.filter((each) => each.instance === instance);
  const used = (field: keyof Need): number => here.reduce((total, each) => total + each.need[field], 0);
  if (used("cpu") + need.cpu > instance.cpu) return "RESOURCE:CPU";
  return used("memory") + need.memory > instance.memory ? "RESOURCE:MEMORY" : undefined;
}
