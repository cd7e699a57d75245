import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DoorRequest } from "@stackyard/aws-sim";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Account, startAccount } from "./an-account.ts";

const PARTS = 9;
let account: Account;

beforeAll(async () => {
  account = await startAccount(readActions());
});
afterAll(() => account.stop());

/** The policy of the package's README. */
function readActions(): readonly string[] {
  const readme = readFileSync(join(import.meta.dirname, "../../../packages/consumer/README.md"), "utf8");
  const [, json = "{}"] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
  return JSON.parse(json).Statement.flatMap(({ Action }: { Action: readonly string[] }) => Action);
}

const isPart =
  (number: number) =>
  ({ method, path }: DoorRequest): boolean =>
    method === "PUT" && path.includes(`partNumber=${number}&`);
const isOfS3 =
  (method: string, text: string) =>
  (request: DoorRequest): boolean =>
    request.service === "s3" && request.method === method && request.path.includes(text);
const isEvents = ({ service }: DoorRequest): boolean => service === "events";

type Moment = readonly [name: string, matches: (request: DoorRequest) => boolean, when: "before" | "after"];

/** While parts are sent, and at both commits: of the object and of the receipt. */
const MOMENTS: readonly Moment[] = [
  ["after its sixth part", isPart(6), "after"],
  ["when the upload is completed", isOfS3("POST", "uploadId="), "after"],
  ["before the receipt", isEvents, "before"],
  ...(process.env["LONG_TESTS"] ? listOtherMoments() : []),
];

/** Each call of a copy and of its receipt, before and after: `crash.promise.test.ts` and `consumer-messages.test.ts` of the consumer. */
function listOtherMoments(): readonly Moment[] {
  return [
    ["before the upload begins", isOfS3("POST", "uploads"), "before"],
    ["when the upload has begun", isOfS3("POST", "uploads"), "after"],
    ["before its sixth part", isPart(6), "before"],
    ["before it completes the upload", isOfS3("POST", "uploadId="), "before"],
    ["before the file is remembered", isOfS3("PUT", "/.stackyard/known/"), "before"],
    ["when the file is remembered", isOfS3("PUT", "/.stackyard/known/"), "after"],
    ["after the receipt", isEvents, "after"],
  ];
}

describe("the function of a template, in processes of its own", () => {
  it("copies a small file, and answers present when it comes again", { tags: "app" }, async () => {
    const { lambda, announce, receipts, stored } = account;
    const { key, body, event } = announce("small", 1);

    expect(await lambda.invoke(event)).toEqual({ batchItemFailures: [] });
    expect(await lambda.invoke(event)).toEqual({ batchItemFailures: [] });

    expect(stored(key)?.equals(body)).toBe(true);
    expect(receipts(key).map(({ status, code, verified }) => [status, code, verified])).toEqual([
      ["stored", null, true],
      ["present", "ALREADY_PRESENT", true],
    ]);
  });
});

describe("a process that resumes a multipart copy after the previous process was killed", () => {
  it.each(MOMENTS)("%s", async (moment, matches, when) => {
    const { door, lambda, announce, receipts, stored, openUploads } = account;
    const { key, body, event } = announce(moment.replaceAll(" ", "-"), PARTS);
    const held = door.hold(matches, when);
    const first = lambda.invoke(event).catch((error: unknown) => error);

    await held;
    expect(stored(key) === undefined || stored(key)?.equals(body)).toBe(true);
    expect(lambda.killBusy()).toBe(1);
    expect(await first).toMatchObject({ name: "Runtime.ExitError" });
    expect(await lambda.invoke(event)).toEqual({ batchItemFailures: [] });

    expect(stored(key)?.equals(body)).toBe(true);
    // An upload whose start was not recorded is aborted if it was not continued for a day.
    expect(openUploads(key)).toBe(moment === "when the upload has begun" ? 1 : 0);
    expect(receipts(key).at(-1)).toMatchObject({ status: expect.stringMatching(/^(stored|present)$/), verified: true });
  });

  it("and does not send again the parts that were noted", async () => {
    const { door, lambda, announce, count, noted } = account;
    const { key, event } = announce("resumed", PARTS);
    const held = [door.hold(isPart(PARTS), "before"), noted(key, 1)];
    const first = lambda.invoke(event).catch(() => undefined);
    await Promise.all(held);
    lambda.killBusy();
    await first;

    await lambda.invoke(event);

    expect([count("CreateMultipartUpload", key), count("UploadPart", key, 1)]).toEqual([1, 1]);
  });
});
