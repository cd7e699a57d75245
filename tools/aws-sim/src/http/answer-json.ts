import type { AwsSim } from "../aws-sim.ts";
import type { Answer } from "./front-door.ts";
import { readFault } from "./query-protocol.ts";

/**
 * A service of a simulation that speaks JSON, over HTTP; named as the SDK names its client, without `Client`. Source of the
 * form: AWS JSON 1.1 protocol, answers and errors.
 */
export function answerJson(sim: Pick<AwsSim, "serve">, service: string): Answer {
  return async ({ operation, region, accessKeyId, sessionToken, body }) => {
    const input = JSON.parse(body.toString() || "{}");
    const call = { service, operation, input, region, accessKeyId, sessionToken };
    const { status, value } = await sim.serve(call).then(
      (output) => ({ status: 200, value: toJson(output ?? {}) }),
      (error) => {
        const { name, message, status } = readFault(error);
        return { status, value: toJson({ ...fieldsOf(error), __type: name, message }) };
      },
    );
    const headers = { "content-type": "application/x-amz-json-1.1" };
    return { status, headers, body: Buffer.from(JSON.stringify(value)) };
  };
}

/** ECS of a simulation over HTTP. */
export const answerEcs = (sim: AwsSim): Answer => answerJson(sim, "ECS");

/** CloudWatch Logs of a simulation over HTTP. */
export const answerLogs = (sim: AwsSim): Answer => answerJson(sim, "CloudWatchLogs");

/** Step Functions of a simulation over HTTP. */
export const answerStates = (sim: AwsSim): Answer => answerJson(sim, "SFN");

/** What a service puts into an error besides its name and message. */
function fieldsOf(error: object): object {
  const kept = Object.entries(error).filter(([name]) => !name.startsWith("$") && name !== "name");
  return Object.fromEntries(kept);
}

/** Instants travel as seconds, bytes as base64. */
function toJson(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1_000;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toJson(each)]));
}
