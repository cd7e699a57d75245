import { describe, expect, it } from "vitest";
import { anId } from "../testing/a-run.ts";
import { someFacts } from "../testing/some-instance-facts.ts";
import { checkMetadata } from "./check-metadata.ts";

const off = someFacts(1, { metadata: { isEnabled: false, requiresToken: true, showsTags: false } });
const loose = someFacts(2, { metadata: { isEnabled: true, requiresToken: false, showsTags: true } });

describe("checkMetadata", () => {
  it("is content where a token is asked for", () => {
    expect(checkMetadata([someFacts(1)], { needsTags: false })).toMatchObject([{ status: "ok" }]);
  });

  it("fails where it is off, and warns where it answers without a token", () => {
    expect(checkMetadata([off, loose], { needsTags: false })).toMatchObject([
      { status: "fail", instanceIds: [anId(1)] },
      { status: "warn", instanceIds: [anId(2)], hint: expect.stringContaining("HttpTokens=required") },
    ]);
  });

  it("asks for tags where instances read their own", () => {
    expect(checkMetadata([someFacts(3)], { needsTags: true })).toMatchObject([
      { status: "fail", instanceIds: [anId(3)], hint: expect.stringContaining("InstanceMetadataTags") },
    ]);
  });
});
