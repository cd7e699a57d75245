import { expect, it } from "vitest";
import { parseArtifactMessage, toReceipt } from "./messages.ts";
import { aBody, KEY, NOW, SHA256 } from "./testing/a-message.ts";

const consumer = { account: "444455556666", region: "eu-central-1", bucket: "own" };

it("reports what is stored where, as announced", () => {
  const parsed = parseArtifactMessage(aBody());
  const message = parsed.kind === "message" ? parsed.message : undefined;
  const input = { consumer, message, messageId: "m-1", attempt: 1, startedAt: NOW, endedAt: NOW + 810 };

  expect(toReceipt(input, { status: "stored", verified: true, storedSha256: SHA256, versionId: "v9" })).toEqual({
    v: 1,
    distributionId: "6a1f5f0e-0000-4000-8000-000000000001",
    messageId: "m-1",
    artifact: { name: "billing-api", version: "1.4.2", key: KEY },
    account: "444455556666",
    region: "eu-central-1",
    bucket: "own",
    status: "stored",
    code: null,
    verified: true,
    sourceSha256: SHA256,
    storedSha256: SHA256,
    size: 1_234,
    versionId: "v9",
    attempt: 1,
    at: "2026-11-20T06:00:00.810Z",
    durationMs: 810,
  });
});

it("reports an unreadable message", () => {
  const input = { consumer, message: undefined, attempt: 1, startedAt: NOW, endedAt: NOW };

  expect(toReceipt(input, { status: "rejected", code: "MESSAGE_INVALID" })).toMatchObject({
    distributionId: null,
    messageId: null,
    status: "rejected",
    code: "MESSAGE_INVALID",
    verified: false,
    artifact: { name: null, version: null, key: null },
  });
});
