import type { SimService } from "../sim-call.ts";
import type { Machine } from "./executions.ts";

/**
 * Invokes a function and waits for it. Errors have the names that definitions catch: the function's own, or `Lambda.` and
 * that of the service (developer guide, "Handling errors in Step Functions workflows").
 */
export async function invokeFunction(
  lambda: SimService,
  { machine, now }: { readonly machine: Machine; readonly now: number },
  FunctionName: string,
  payload: unknown,
): Promise<unknown> {
  const { account, region } = machine;
  const arn = `arn:aws:sts::${account}:assumed-role/states/${machine.name}`;
  const identity = { arn, account, isRole: true, allow: ["*"], tags: {} };
  const input = { FunctionName, Payload: JSON.stringify(payload) };
  const call = { service: "Lambda", operation: "Invoke", input, region, identity, now };
  const { FunctionError, Payload } = await invoke(lambda, call);
  const answer = JSON.parse(Buffer.from(Payload).toString());
  if (FunctionError === undefined) return answer;
  throw Object.assign(new Error(JSON.stringify(answer)), { name: answer.errorType });
}

async function invoke(
  lambda: SimService,
  call: Parameters<SimService["operations"][string]>[0],
): Promise<{ readonly FunctionError?: string; readonly Payload: Uint8Array }> {
  try {
    return Object(await lambda.operations["Invoke"]?.(call));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    throw Object.assign(new Error(message), { name: `Lambda.${name}` });
  }
}
