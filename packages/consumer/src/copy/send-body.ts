import type { Readable } from "node:stream";

/**
 * Sends a stream by a call of the SDK. The SDK pipes it and does not hear when it fails, and would wait for ever: then the call
 * is aborted, and ends with what the stream failed with.
 */
export async function sendBody<Output>(
  body: Readable,
  signal: AbortSignal,
  send: (body: Readable, signal: AbortSignal) => Promise<Output>,
): Promise<Output> {
  const controller = new AbortController();
  const fault: { error?: unknown } = {};
  body.once("error", (error) => {
    fault.error ??= error;
    controller.abort();
  });
  try {
    return await send(body, AbortSignal.any([signal, controller.signal]));
  } catch (error) {
    throw fault.error ?? error;
  } finally {
    // One that failed must not fail unheard.
    body.on("error", () => undefined);
    body.destroy();
  }
}
