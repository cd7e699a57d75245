import type { AwsSim } from "../aws-sim.ts";
import { answerJson } from "./answer-json.ts";
import type { Answer } from "./front-door.ts";

/** Secrets Manager of a simulation over HTTP. */
export function answerSecrets(sim: AwsSim): Answer {
  return answerJson(sim, "SecretsManager");
}
