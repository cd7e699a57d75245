import type { Environment } from "../environment.ts";

/** The environment of the tests, which stand where the command line stands otherwise. */
export function runnerEnvironment(): Environment {
  // biome-ignore lint/style/noProcessEnv: real programs need PATH, HOME and the like.
  return process.env;
}
