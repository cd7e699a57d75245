import type { CallFigures, ImportFigures } from "../function-process.ts";
import { type Child, startChild } from "./start-child.ts";

/** What an instance of a function answers. */
export interface FunctionCalls {
  readonly imported: (input: never) => Promise<ImportFigures>;
  readonly call: (event: unknown) => Promise<CallFigures>;
}

/** Starts an instance in a process of its own. */
export function startFunction(
  bundle: string,
  environment: Readonly<Record<string, string>>,
): Child<FunctionCalls & Record<string, (input: never) => Promise<unknown>>> {
  return startChild("function-process.ts", [bundle], environment);
}

/** Calls it with a batch of which everything must be worked. */
export async function callFunction(
  instance: ReturnType<typeof startFunction>,
  event: unknown,
): Promise<Pick<CallFigures, "wallMs" | "cpuMs">> {
  const { answer, wallMs, cpuMs } = await instance.call("call", event);
  const text = JSON.stringify(answer);
  if (text !== '{"batchItemFailures":[]}') throw new Error(`The function could not work a batch: ${text}`);
  return { wallMs, cpuMs };
}
