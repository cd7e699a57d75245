import { type Clock, type Logger, StackyardError } from "@stackyard/core";

/** What the sending of an answer needs; the global `fetch` fits. */
export interface SendDeps {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Before each repeat. */
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000];
const ANSWERS_WITHIN_MS = 10_000;

/**
 * Puts the answer to the address that CloudFormation gave, which is signed for an empty content type. Repeated five times;
 * then it throws `UNREACHABLE`. The address is a secret and stands in no log and in no error.
 */
export async function sendResponse(
  deps: SendDeps,
  url: string,
  response: { readonly RequestId: string },
): Promise<void> {
  const { clock, logger } = deps;
  const body = JSON.stringify(response);
  for (let tries = 0; ; tries += 1) {
    const fault = await putOnce(deps, url, body);
    if (fault === undefined) return;
    const pauseMs = PAUSES_MS[tries];
    const fields = { requestId: response.RequestId, fault };
    if (pauseMs === undefined) {
      logger.error("CloudFormation did not take the answer.", fields);
      throw new StackyardError("UNREACHABLE", `CloudFormation did not take the answer: ${fault}.`);
    }
    logger.warn("CloudFormation did not take the answer; it is sent again.", fields);
    await clock.sleep(pauseMs);
  }
}

async function putOnce({ fetch }: SendDeps, url: string, body: string): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
    const headers = { "content-type": "" };
    const answer = await fetch(url, { method: "PUT", body, headers, redirect: "manual", signal });
    return answer.ok ? undefined : `status ${answer.status}`;
  } catch (error) {
    // The message of an error of `fetch` may hold the address.
    return error instanceof Error ? error.name : "unknown";
  }
}
