import { StackyardError } from "@stackyard/core";

/** The largest answer that is read: a delivery has up to 25 MiB. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Limits the bytes of each answer of a code host, which its clients keep in memory to parse it: an error, at the first byte
 * beyond. For answers in JSON, not for archives.
 */
export function limitAnswers(send: typeof fetch, maxBytes = MAX_BYTES): typeof fetch {
  return async (...request) => {
    const answer = await send(...request);
    if (answer.body === null) return answer;
    let bytes = 0;
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, controller) {
        bytes += piece.byteLength;
        if (bytes <= maxBytes) return controller.enqueue(piece);
        controller.error(
          new StackyardError("SERVER_ERROR", `The code host sent more than ${maxBytes} bytes in one answer.`),
        );
      },
    });
    const { status, statusText, headers, url } = answer;
    const limited = new Response(answer.body.pipeThrough(count), { status, statusText, headers });
    // Clients compare it with their request.
    return Object.defineProperty(limited, "url", { value: url });
  };
}
