import { failWith } from "../shell/failure.ts";
import { findNearestName } from "../shell/nearest-name.ts";
import type { ConfigFile } from "./config-file.ts";
import type { YardOptions } from "./parse-yards.ts";

/** The yard of that name in a configuration. Throws `CONFIG_INVALID` that lists those that there are. */
export function findYard({ config, path }: ConfigFile, name: string): YardOptions {
  const yards = config.yards ?? {};
  const found = Object.hasOwn(yards, name) ? yards[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(yards);
  const near = findNearestName(name, names);
  const known = names.length === 0 ? "It names none." : `It names ${names.join(", ")}.`;
  const hint = near === undefined ? `${known} Write it under \`yards\`.` : `Did you mean "${near}"?`;
  throw failWith("CONFIG_INVALID", `There is no yard "${name}" in ${path ?? "a stackyard.config.ts"}.`, { hint });
}
