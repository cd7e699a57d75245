import type { Environment } from "@stackyard/core/programs";

/** Returns the environment of the tests, which run in place of the command line. */
export function runnerEnvironment(): Environment {
  return {
    // biome-ignore lint/style/noProcessEnv: real programs need PATH, HOME and the like.
    ...process.env,
    // A backend that does not answer will not come back in a test.
    TF_HTTP_RETRY_MAX: "1",
  };
}
