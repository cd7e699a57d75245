import { expect, it } from "vitest";
import { redactUrl } from "./redact-url.ts";
import { aUrl } from "./testing/a-message.ts";

it("keeps scheme, host and key, and nothing of the signature", () => {
  expect(redactUrl(aUrl())).toBe("https://dist-bucket.s3.eu-west-1.amazonaws.com/billing-api/1.4.2/app.zip");
});

it("takes an at sign in the key for a part of it", () => {
  expect(redactUrl("https://host/icons/a@2x.png?X-Amz-Signature=1")).toBe("https://host/icons/a@2x.png");
});

it("needs neither a path nor a query", () => {
  expect(["https://host?X-Amz-Signature=1", "https://host/a", "https://host"].map(redactUrl)).toEqual([
    "https://host",
    "https://host/a",
    "https://host",
  ]);
});

it.each(["see https://host/a?x", "https://user:secret@host/a?x", "no address ?X-Amz-Signature=1", ""])(
  "shows nothing of %j",
  (text) => {
    expect(redactUrl(text)).toBe("[address]");
  },
);
