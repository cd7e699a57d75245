import { expect, it } from "vitest";
import { createAnswerEndpoint, listenForAnswers } from "./custom-resources.ts";

const IDS = { StackId: "arn:aws:cloudformation:eu-west-1:1:stack/a/1", RequestId: "r-1", LogicalResourceId: "Task" };

it("serves the paths of response URLs over HTTP", async () => {
  const endpoint = createAnswerEndpoint(() => 0);
  const { pathname, search } = new URL(endpoint.open(IDS, "eu-west-1"));
  const listener = await listenForAnswers(endpoint);
  const put = (headers: Record<string, string>) =>
    fetch(`${listener.url}${pathname}${search}`, {
      method: "PUT",
      headers,
      body: JSON.stringify({ ...IDS, Status: "SUCCESS", PhysicalResourceId: "p" }),
    });

  try {
    expect((await put({ "content-type": "text/plain" })).status).toBe(403);
    expect((await put({ "content-type": "" })).status).toBe(200);
    expect(endpoint.findAnswer("r-1")).toMatchObject({ answer: { PhysicalResourceId: "p" } });
    endpoint.failNext("reset");
    await expect(put({ "content-type": "" })).rejects.toThrow("fetch failed");
  } finally {
    await listener.stop();
  }
});
