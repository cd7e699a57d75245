import { type ParsedOverrides, parseOverrides, type TaskOverrides } from "./parse-overrides.ts";

/** Variables for one container. */
export interface AddedEnvironment {
  readonly container: string | undefined;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
}

/**
 * Overrides with variables added to those of a container; they win over overrides of the same name. Without a name they go
 * to the only container of the definition. More than ECS takes is a problem, as in `parseOverrides`.
 */
export function withEnvironment(
  overrides: TaskOverrides,
  { container, environment }: AddedEnvironment,
  containerNames: readonly string[],
): ParsedOverrides {
  if (environment.length === 0) return { overrides };
  const name = container ?? (containerNames.length === 1 ? containerNames[0] : undefined);
  if (name === undefined) {
    const message = `needs "container": the definition has ${containerNames.length} containers (${containerNames.join(", ")})`;
    return { problems: [{ path: "/environment", message }] };
  }
  const all = overrides.containerOverrides ?? [];
  const own = all.find((each) => each.name === name) ?? { name };
  const added = new Set(environment.map((entry) => entry.name));
  const kept = (own.environment ?? []).filter((entry) => !added.has(entry.name));
  const changed = { ...own, environment: [...kept, ...environment] };
  const containerOverrides = all.some((each) => each.name === name)
    ? all.map((each) => (each.name === name ? changed : each))
    : [...all, changed];
  return parseOverrides({ ...overrides, containerOverrides });
}
