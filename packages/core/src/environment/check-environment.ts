import { StackyardError } from "../errors/stackyard-error.ts";

/** Environment variables by name. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** A variable that an app reads. Tables of README pages are made of these. */
export interface EnvironmentVariable {
  readonly meaning: string;
  readonly pattern: RegExp;
  /** How its value must be; shown in the place of the value. */
  readonly must: string;
  readonly isRequired: boolean;
}

/**
 * Looks at the variables of an app; an empty one counts as not set. Throws one `CONFIG_INVALID` that lists everything that is
 * wrong; it shows no values, for some are secret.
 */
export function checkEnvironment(
  environment: EnvironmentVariables,
  variables: Readonly<Record<string, EnvironmentVariable>>,
): void {
  const faults = Object.entries(variables).flatMap(([name, variable]) => findFault(name, variable, environment[name]));
  if (faults.length === 0) return;
  const message = `The environment of the function is wrong: ${faults.join(" ")}`;
  throw new StackyardError("CONFIG_INVALID", message, { details: { faults } });
}

function findFault(
  name: string,
  { pattern, must, isRequired }: EnvironmentVariable,
  value: string | undefined,
): readonly string[] {
  if (value === undefined || value === "") return isRequired ? [`${name} is not set; it must ${must}.`] : [];
  return pattern.test(value) ? [] : [`${name} must ${must}.`];
}
