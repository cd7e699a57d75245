import type { Environment } from "./environment.ts";

/** The environment that the runner itself was given; the executor hands on named parts of it and reads PATH. */
export function runnerEnvironment(): Environment {
  // biome-ignore lint/style/noProcessEnv: nothing is configured by it; programs need PATH, HOME and the like.
  return process.env;
}
