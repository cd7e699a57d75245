import { expect, it } from "vitest";
import { guardClient, type LeaseCheck } from "./guarded-client.ts";

class Client {
  readonly config = { region: "eu-west-1" };
  readonly sent: unknown[] = [];
  async send(command: unknown): Promise<string> {
    this.sent.push(command);
    return `${this.config.region}: done`;
  }
}

it.each<[LeaseCheck, readonly string[]]>([
  ["held", ["SendCommand"]],
  ["unknown", ["SendCommand"]],
  ["lost", []],
])("sends a request when the lease is %s: %j", async (check, sent) => {
  const client = new Client();
  const guarded = guardClient(client, async () => check);

  const answer = await guarded.send("SendCommand").catch((error: unknown) => error);

  expect(client.sent).toEqual(sent);
  expect(answer).toEqual(check === "lost" ? expect.objectContaining({ name: "AbortError" }) : "eu-west-1: done");
  expect([guarded instanceof Client, guarded.config]).toEqual([true, client.config]);
});
