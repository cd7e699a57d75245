import { describe, expect, it } from "vitest";
import { isAnswerUrl } from "./is-answer-url.ts";

const OF_S3 =
  "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/a?X-Amz-Signature=0";
const EMULATOR = "http://localhost:4566";

describe("the address of an answer", () => {
  it.each([
    [OF_S3, undefined],
    [OF_S3, EMULATOR],
    ["http://localhost:4566/answers/a?X-Amz-Signature=0", EMULATOR],
    ["http://localhost:9999/a", EMULATOR],
  ])("may be %s with the emulator %s", (url, emulator) => {
    expect(isAnswerUrl(url, emulator)).toBe(true);
  });

  it.each([
    ["http://localhost:4566/a", undefined],
    ["https://localhost:4566/a", EMULATOR],
    ["http://169.254.169.254/a", EMULATOR],
    ["http://localhost.example/a", EMULATOR],
    ["http://me@localhost:4566/a", EMULATOR],
    ["a", EMULATOR],
  ])("may not be %s with the emulator %s", (url, emulator) => {
    expect(isAnswerUrl(url, emulator)).toBe(false);
  });
});
