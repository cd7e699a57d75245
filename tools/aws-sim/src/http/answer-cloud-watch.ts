import type { AwsSim } from "../aws-sim.ts";
import { answerJson } from "./answer-json.ts";
import type { Answer } from "./front-door.ts";
import { loadSchemas } from "./service-schemas.ts";

/**
 * CloudWatch of a simulation over HTTP: JSON, with the codes that errors had in the query protocol in a header of their own.
 * Source of the form: Smithy, "AWS query compatible" (`x-amzn-query-error`).
 */
export function answerCloudWatch(sim: Pick<AwsSim, "serve">): Answer {
  const answer = answerJson(sim, "CloudWatch");
  return async (request) => {
    const { status, headers, body } = await answer(request);
    if (status === 200) return { status, headers, body };
    const { toCode } = await loadSchemas("CloudWatch");
    const { __type: name } = JSON.parse(body.toString());
    const error = `${toCode(String(name))};${status >= 500 ? "Receiver" : "Sender"}`;
    return { status, headers: { ...headers, "x-amzn-query-error": error }, body };
  };
}
