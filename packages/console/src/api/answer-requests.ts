/** Answers each message to this dedicated worker by one message. */
export function answerRequests<Request, Answer>(answer: (request: Request) => Answer | Promise<Answer>): void {
  addEventListener("message", async ({ data }: MessageEvent<Request>) => postMessage(await answer(data)));
}
