import { expect, it } from "vitest";
import { limitAnswers } from "./limit-answers.ts";

function answering(pieces: number, seen: { given: number }): typeof fetch {
  const body = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        seen.given += 1;
        if (seen.given > pieces) return controller.close();
        controller.enqueue(new Uint8Array(10).fill(0x20));
      },
    });
  return async () => Object.defineProperty(new Response(body(), { status: 201 }), "url", { value: "https://host/a" });
}

it("ends an answer at the first byte beyond the limit, and passes on the others", async () => {
  const seen = { given: 0 };
  const endless = await limitAnswers(answering(Number.POSITIVE_INFINITY, seen), 35)("https://host/a");
  await expect(endless.text()).rejects.toMatchObject({ code: "SERVER_ERROR" });
  expect(seen.given).toBeLessThan(10);

  const short = await limitAnswers(answering(3, { given: 0 }), 35)("https://host/a");
  expect([short.status, short.url, await short.text()]).toEqual([201, "https://host/a", " ".repeat(30)]);
});

it("passes on an answer without a body", async () => {
  const answer = await limitAnswers(async () => new Response(null, { status: 204 }))("https://host/a");
  expect([answer.status, await answer.text()]).toEqual([204, ""]);
});
