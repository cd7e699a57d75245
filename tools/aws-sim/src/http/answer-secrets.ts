import type { AwsSim } from "../aws-sim.ts";
import type { Answer } from "./front-door.ts";

/** Secrets Manager of a simulation over HTTP. Source of the form: AWS JSON 1.1 protocol, answers and errors. */
export function answerSecrets(sim: AwsSim): Answer {
  return async ({ operation, region, accessKeyId, body }) => {
    const input = JSON.parse(body.toString());
    const call = { service: "SecretsManager", operation, input, region, accessKeyId, sessionToken: undefined };
    const { status, value } = await sim.serve(call).then(
      (output) => ({ status: 200, value: toJson(output) }),
      (error) => ({
        status: error.$metadata?.httpStatusCode ?? 500,
        value: { __type: error.name, message: error.message },
      }),
    );
    const headers = { "content-type": "application/x-amz-json-1.1" };
    return { status, headers, body: Buffer.from(JSON.stringify(value)) };
  };
}

/** Instants travel as seconds. */
function toJson(output: unknown): unknown {
  const entries = Object.entries(Object(output)).map(([name, value]) => {
    return [name, value instanceof Date ? value.getTime() / 1_000 : value];
  });
  return Object.fromEntries(entries);
}
