/** Answers each message to this dedicated worker by one message. */
export function answerRequests<Request, Answer>(answer: (request: Request) => Answer): void {
  addEventListener("message", ({ data }: MessageEvent<Request>) => postMessage(answer(data)));
}
